// Package syntax reads Python source of the versions 3.8 to 3.14 into a tree that mirrors CPython's ast module.
package syntax
