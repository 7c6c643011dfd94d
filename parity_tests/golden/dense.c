/* A fully connected layer as a stranger writes it in C, called through ctypes.
 *
 * y = x W^T + b with x (n, in), W (out, in), b (out); all arrays in C order, double.
 * Compiled with -DBUG=1 the kernel of the weight's gradient forgets all samples but the last.
 */
#include <stddef.h>
#include <string.h>

void dense(const double *x, const double *w, const double *b, double *y, size_t n, size_t in,
           size_t out)
{
    for (size_t s = 0; s < n; s++)
        for (size_t o = 0; o < out; o++) {
            double sum = b[o];
            for (size_t i = 0; i < in; i++)
                sum += x[s * in + i] * w[o * in + i];
            y[s * out + o] = sum;
        }
}

void dense_backward(const double *dy, const double *x, const double *w, double *dx, double *dw,
                    double *db, size_t n, size_t in, size_t out)
{
    memset(dx, 0, n * in * sizeof *dx);
    memset(dw, 0, out * in * sizeof *dw);
    memset(db, 0, out * sizeof *db);
    for (size_t s = 0; s < n; s++)
        for (size_t o = 0; o < out; o++) {
            double d = dy[s * out + o];
            db[o] += d;
            for (size_t i = 0; i < in; i++) {
                dx[s * in + i] += d * w[o * in + i];
#if BUG
                dw[o * in + i] = d * x[s * in + i];
#else
                dw[o * in + i] += d * x[s * in + i];
#endif
            }
        }
}
