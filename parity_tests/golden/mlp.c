/* A multi-layer perceptron in C, from raw golden files: forward, backward, one SGD step.

   Written as a stranger to this project would: it reads GOLDEN/real/NAME.bin, computes in double
   and writes OUT/NAME.bin. Its only source is manifest.json. Compiled with -DEXACT it takes the
   integer set: ReLU for both activations, the cotangent given, no loss and no step.

     cc -O1 -DLR=0.1 mlp.c -lm -o mlp && ./mlp GOLDEN/real OUT

   -DBUG=1 ... plants a mistake; see the test. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef BUG
#define BUG 0
#endif
#ifndef LR
#define LR 0.1
#endif

enum { N = 5, D0 = 64, D1 = 16, D2 = 11, D3 = 10 }; /* mlp_mnist, tiny */

static const char *from, *to;

static FILE *open_file(const char *folder, const char *name, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.bin", folder, name);
  FILE *file = fopen(path, mode);
  if (!file) {
    perror(path);
    exit(2);
  }
  return file;
}

static void take(const char *name, void *values, size_t size, size_t count) {
  FILE *file = open_file(from, name, "rb");
  if (fread(values, size, count, file) != count) {
    fprintf(stderr, "%s: too short\n", name);
    exit(2);
  }
  fclose(file);
}

static void give(const char *name, const double *values, size_t count) {
  FILE *file = open_file(to, name, "wb");
  if (fwrite(values, sizeof *values, count, file) != count) {
    fprintf(stderr, "%s: cannot be written\n", name);
    exit(2);
  }
  fclose(file);
}

/* y (N, out) = x (N, in) w^T + b, w (out, in) */
static void linear(int in, int out, const double *x, const double *w, const double *b, double *y,
                   int bug) {
  for (int n = 0; n < N; n++)
    for (int o = 0; o < out; o++) {
      double sum = bug == 2 ? 0 : b[o];
      for (int i = 0; i < in; i++) {
        double weight = bug == 1 ? w[i * out + o] : w[o * in + i];
        sum += x[n * in + i] * weight;
      }
      y[n * out + o] = sum;
    }
}

/* dw = dy^T x, db = sum dy, dx = dy w */
static void linear_backward(int in, int out, const double *x, const double *w, const double *dy,
                            double *dx, double *dw, double *db, int bug) {
  memset(dw, 0, sizeof *dw * in * out);
  memset(db, 0, sizeof *db * out);
  memset(dx, 0, sizeof *dx * N * in);
  for (int n = 0; n < N; n++)
    for (int o = 0; o < out; o++) {
      double d = dy[n * out + o];
      if (bug == 8)
        db[o] = d;
      else if (bug == 11)
        db[o] += d / N;
      else
        db[o] += d;
      for (int i = 0; i < in; i++) {
        int at = bug == 7 ? i * out + o : o * in + i;
        dw[at] += d * x[n * in + i];
        dx[n * in + i] += d * w[o * in + i];
      }
    }
}

#ifndef EXACT
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
#endif

static double act1(double x) {
#ifdef EXACT
  return x > 0 ? x : 0;
#else
  return sigmoid(x);
#endif
}

static double act2(double x) {
#ifdef EXACT
  return x > 0 ? x : 0;
#else
  return BUG == 3 ? sigmoid(x) : tanh(x);
#endif
}

static double slope1(double x, double y) {
#ifdef EXACT
  (void)y;
  return BUG == 13 ? x >= 0 : x > 0;
#else
  (void)x;
  return BUG == 12 ? 1 : y * (1 - y);
#endif
}

static double slope2(double x, double y) {
#ifdef EXACT
  (void)y;
  return x > 0;
#else
  (void)x;
  return BUG == 6 ? 1 - y : 1 - y * y;
#endif
}

#ifndef EXACT
/* mean over the samples of log sum exp z - z[target]; dz = (softmax - one hot) / N */
static double cross_entropy(const double *z, const long long *target, double *dz) {
  double loss = 0;
  for (int n = 0; n < N; n++) {
    const double *row = z + n * D3;
    double peak = row[0], sum = 0;
    for (int c = 1; c < D3; c++)
      if (row[c] > peak) peak = row[c];
    for (int c = 0; c < D3; c++) sum += exp(row[c] - peak);
    loss += peak + log(sum) - row[target[n]];
    for (int c = 0; c < D3; c++) {
      double p = exp(row[c] - peak) / sum;
      dz[n * D3 + c] = (p - (c == target[n])) / (BUG == 5 ? 1 : N);
    }
  }
  return BUG == 4 ? loss : loss / N;
}
#endif

static double x0[N * D0], x1[N * D1], x2[N * D2];       /* inputs of the linear layers */
static double z1[N * D1], z2[N * D2], z3[N * D3];       /* their outputs */
static double d1[N * D1], d2[N * D2], d3[N * D3];       /* gradients of these */
static double e0[N * D0], e1[N * D1], e2[N * D2];       /* gradients of the inputs */
static double w1[D1 * D0], w2[D2 * D1], w3[D3 * D2], b1[D1], b2[D2], b3[D3];
static double gw1[D1 * D0], gw2[D2 * D1], gw3[D3 * D2], gb1[D1], gb2[D2], gb3[D3];

static struct {
  const char *name;
  double *value, *gradient;
  int count;
} parameters[] = {
    {"layers.fc1.weight", w1, gw1, D1 * D0}, {"layers.fc1.bias", b1, gb1, D1},
    {"layers.fc2.weight", w2, gw2, D2 * D1}, {"layers.fc2.bias", b2, gb2, D2},
    {"layers.fc3.weight", w3, gw3, D3 * D2}, {"layers.fc3.bias", b3, gb3, D3},
};
enum { COUNT = sizeof parameters / sizeof *parameters };

/* In the first step the velocity is the gradient. */
static void step(int p) {
  for (int i = 0; i < parameters[p].count; i++)
    parameters[p].value[i] -= (BUG == 10 ? -LR : LR) * parameters[p].gradient[i];
}

int main(int argc, char **argv) {
  char name[128];
  if (argc != 3) {
    fprintf(stderr, "usage: %s GOLDEN/real OUT\n", argv[0]);
    return 2;
  }
  from = argv[1];
  to = argv[2];
  take("input", x0, sizeof *x0, N * D0); /* one map: flattening changes nothing */
  for (int p = 0; p < COUNT; p++) {
    snprintf(name, sizeof name, "parameter.%s", parameters[p].name);
    take(name, parameters[p].value, sizeof(double), parameters[p].count);
  }

  linear(D0, D1, x0, w1, b1, z1, 0);
  for (int i = 0; i < N * D1; i++) x1[i] = act1(z1[i]);
  linear(D1, D2, x1, w2, b2, z2, BUG);
  for (int i = 0; i < N * D2; i++) x2[i] = act2(z2[i]);
  linear(D2, D3, x2, w3, b3, z3, 0);
#ifdef EXACT
  take("d_output", d3, sizeof *d3, N * D3);
#else
  long long target[N];
  take("target", target, sizeof *target, N);
  double loss = cross_entropy(z3, target, d3);
  give("loss", &loss, 1);
#endif

  linear_backward(D2, D3, x2, w3, d3, e2, gw3, gb3, 0);
  if (BUG == 9) { /* the last layer steps before its weights are read */
    double kept[D3 * D2];
    memcpy(kept, w3, sizeof w3);
    step(4);
    linear_backward(D2, D3, x2, w3, d3, e2, gw3, gb3, 0);
    memcpy(w3, kept, sizeof w3);
  }
  for (int i = 0; i < N * D2; i++) d2[i] = e2[i] * slope2(z2[i], x2[i]);
  linear_backward(D1, D2, x1, w2, d2, e1, gw2, gb2, 0);
  for (int i = 0; i < N * D1; i++) d1[i] = e1[i] * slope1(z1[i], x1[i]);
  linear_backward(D0, D1, x0, w1, d1, e0, gw1, gb1, BUG);
  if (BUG == 14)
    for (int i = 0; i < D1; i++) gb1[i] = i == D1 - 1 ? 0 : gb1[i]; /* the last unit is forgotten */

  give("activation.layers.fc1", z1, N * D1);
  give("activation.layers.act1", x1, N * D1);
  give("activation.layers.fc2", z2, N * D2);
  give("activation.layers.act2", x2, N * D2);
  give("output", z3, N * D3);
  give("d_output", d3, N * D3);
  give("cotangent.layers.act2", e2, N * D2);
  give("cotangent.layers.fc2", d2, N * D2);
  give("cotangent.layers.act1", e1, N * D1);
  give("cotangent.layers.fc1", d1, N * D1);
  give("d_input", e0, N * D0);
  for (int p = 0; p < COUNT; p++) {
    snprintf(name, sizeof name, "gradient.%s", parameters[p].name);
    give(name, parameters[p].gradient, parameters[p].count);
  }
#ifndef EXACT
  for (int p = 0; p < COUNT; p++) {
    step(p);
    snprintf(name, sizeof name, "updated.%s", parameters[p].name);
    give(name, parameters[p].value, parameters[p].count);
  }
#endif
  return 0;
}
