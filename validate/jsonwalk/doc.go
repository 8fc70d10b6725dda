// Package jsonwalk reads JSON as Python's json module does, as a stream with bounded memory, for every scanner whose
// format has JSON in it.
//
// The grammar is RFC 8259 plus NaN, Infinity and -Infinity, which published configurations contain. It sees every
// key, also the repeated ones: Python takes the last of two equal keys and others the first, so a scanner that
// judges one of them must know. The walk is a loop; the depth of the input never becomes depth of a stack.
package jsonwalk
