// Package jinja reads Jinja2 templates and judges what rendering them can reach.
//
// The grammar is that of Jinja 3 (jinja2/lexer.py, jinja2/parser.py, https://jinja.palletsprojects.com/en/stable/templates/)
// with the extensions that chat templates are rendered with: loop controls, do, and the generation tag of transformers.
//
// # Security
//
// A chat template is a program that comes with a model. Where it is rendered without a sandbox, or with an incomplete
// one, an attribute whose name begins with an underscore leads to Python's internals and from there to any function
// (CVE-2024-34359, CVE-2026-5760). The judge denies by default: a template may call what is listed (names.txt), may
// read attributes and items of the data it is given, and nothing else. Names that are assembled from strings are
// followed through variables, macros, loops and the usual string operations; one that cannot be followed is stated as
// such, since what is not known is not harmless.
//
// Not judged: what the rendered text says (a prompt that misleads the model), and how long a template runs.
package jinja
