"""Generic mutation: small edits of the source of `scratch`, each of which the tests must notice.

`operators` says which edits there are, `source` lists them for a file, `transplant` puts one into
the modules that are loaded, `reach` knows which tests run through a function, `session` forks one
process per edit and runs them, `allowed` holds those that change no result, with the reason.
"""
