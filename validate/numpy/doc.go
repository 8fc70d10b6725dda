// Package numpy judges arrays in numpy's .npy format, and the members of .npz archives, which are such arrays.
//
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// # Security
//
// The header is a Python literal that loaders hand to an evaluator. It is read here with a grammar of its own: a
// dictionary with the keys descr, fortran_order and shape, made of text, numbers, truth values, lists and tuples. What
// is not that is a finding. The element type and the shape must give the size of the data exactly, so that nothing
// hides behind the numbers, which are not read.
//
// An element type that holds objects makes the data section a pickle (CVE-2019-6446). It is judged as one.
//
// Not judged: what the numbers mean, and archives, which validate/zipfile opens.
package numpy
