// Package validate judges the files of a model before anything loads them.
package validate
