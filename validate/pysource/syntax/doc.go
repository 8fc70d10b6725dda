// Package syntax reads Python source of the versions 3.8 to 3.14 into a tree that mirrors CPython's ast module
// (https://docs.python.org/3/library/ast.html, grammar: https://docs.python.org/3/reference/grammar.html).
//
// [Parse] gives a [Module] with the nodes and field names of CPython's abstract grammar, each with its place in the
// file, and with [Facts] that the tree does not show: comments, the encoding, characters that display as something
// else, identifiers that CPython reads under another spelling, constructs that only some versions know.
//
// # One reader for seven versions
//
// A model does not say which Python will load it, so everything that one of the versions accepts is read. Where
// several versions accept a source, they give the same tree, with these exceptions:
//
//   - with (a, b): has been a tuple until 3.8 and two items since 3.9. It is read as two items and noted in
//     Facts.NewerThan.
//   - a backslash in the first column of a line and white space on the next one count as indentation since 3.9 only.
//     This is refused.
//   - two opening braces in the format specification of an f-string are a set in a field, but 3.13 reads them as one
//     brace behind another field. They are refused, as are line ends there, which 3.12 ignores, but for triple quotes.
//
// Accepted beyond one version or another: match (3.10), with items in parentheses and any expression as a decorator
// (3.9), except* and unpacking in subscripts (3.11), type statements, type parameters and f-strings as of PEP 701
// (3.12), defaults of type parameters (3.13), t-strings and except without parentheses (3.14); the bare generator
// in an f-string field, which ended with 3.11. Facts.NewerThan names what limits a source to later versions.
//
// Refused although a version reads it: a lambda without parentheses as the condition of a comprehension, and (*a),
// which only its compiler refused (3.8); operators of the barry_as_FLUFL future, type comments (read as comments).
//
// CPython's compiler refuses more than its parser: return outside of a function, two parameters of one name, a
// starred assignment that is not in a list. These are read here, as by ast.parse.
//
// # Text
//
// The bytes are UTF-8 or, by a PEP 263 comment, Latin-1; offsets and columns count the bytes of the file. Sources in
// encodings that extend ASCII are read if they are ASCII, and refused with Limit otherwise, like every source whose
// encoding does not extend ASCII: what such bytes say depends on the codec. As in CPython, \r ends a line, also that
// of a comment; tabs must not decide about a block; identifiers are compared in NFKC but keywords before it; an
// unknown escape keeps its backslash. A lone surrogate in a literal is kept as its three bytes. A character name
// in \N{...} that is not known makes its Constant Unknown.
//
// # Security
//
// The source is hostile. CPython executes what it accepts, so the fault to avoid is another tree than CPython's;
// a test compares the two over the sources installed with CPython and over mutants of every construct. An error is
// never "clean". Memory, tokens, nodes, the depth of the recursion and the height of the tree are bounded ([Limits]),
// time is linear in the source, and a tree is at most Limits.Height high so that a recursive reader of it is safe.
package syntax
