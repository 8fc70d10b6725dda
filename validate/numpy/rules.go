package numpy

import "github.com/loadlock/loadlock/validate"

const (
	specification = "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"
	asWritten     = "ask for a file as numpy.save made it"
)

var (
	ruleExpression = &validate.Rule{ID: "numpy/header-expression", Severity: validate.High,
		Title:   "a header that is an expression",
		Why:     "Loaders evaluate the header as Python; numpy writes nothing but a literal there.",
		Fix:     asWritten + "; do not load this file",
		Hostile: "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,), }",
		Benign:  "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
		Refs:    []string{specification}}
	ruleHeader = &validate.Rule{ID: "numpy/header", Severity: validate.Medium,
		Title:   "a header that numpy would not write",
		Why:     "Readers differ in what they make of repeated or unknown keys, of padding and of numbers in another notation.",
		Fix:     asWritten,
		Hostile: "{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
		Benign:  "the three keys, once each, then spaces and a line feed",
		Refs:    []string{specification}}
	ruleVersion = &validate.Rule{ID: "numpy/version", Severity: validate.Medium,
		Title:   "a version of the format that does not exist",
		Why:     "A reader that guesses the layout reads other bytes than one that refuses.",
		Fix:     asWritten,
		Hostile: `\x93NUMPY\x09\x09`,
		Benign:  `\x93NUMPY\x02\x00`,
		Refs:    []string{specification}}
	ruleType = &validate.Rule{ID: "numpy/element-type", Severity: validate.Medium,
		Title:   "an element type that is not known",
		Why:     "Its size is not known, so nobody can say where the array ends, nor whether it holds objects.",
		Fix:     asWritten,
		Hostile: "'descr': 'f4,O'",
		Benign:  "'descr': [('a', '<f4'), ('b', '<f4', (2, 3))]",
		Refs:    []string{"https://numpy.org/doc/stable/reference/arrays.dtypes.html"}}
	ruleSize = &validate.Rule{ID: "numpy/size", Severity: validate.Medium,
		Title:   "shape and element type do not give the size of the data",
		Why:     "A shape that overflows or a file that is too short makes readers touch other memory; what lies behind the array is read by others.",
		Fix:     asWritten,
		Hostile: "'shape': (4611686018427387904, 4) over 8 bytes of data",
		Benign:  "'shape': (2, 3) of '<f4' over 24 bytes of data",
		Refs:    []string{specification}}
	ruleObjects = &validate.Rule{ID: "numpy/object-array", Severity: validate.Low,
		Title:   "an array of objects, whose data is a pickle",
		Why:     "It loads with allow_pickle=True only, and whoever passes that runs any pickle that takes this file's place.",
		Fix:     "ask for the array with a plain element type, or load it with allow_pickle only while it is pinned",
		Hostile: "'descr': '|O' in a file from a source that changes",
		Benign:  "'descr': '<U8' for text",
		Refs:    []string{"CVE-2019-6446"}}
	ruleNested = &validate.Rule{ID: "numpy/object-not-cleared", Severity: validate.Medium,
		Title:   "an array of objects whose data is not a whole pickle",
		Why:     "numpy.load(…, allow_pickle=True) loads the data section as a pickle.",
		Fix:     "see the findings inside the data section",
		Hostile: "'descr': '|O' before a pickle and then a zip archive",
		Benign:  "'descr': '|O' before the pickle of an array of text",
		Refs:    []string{"CVE-2019-6446"}}
	ruleSuffix = &validate.Rule{ID: "numpy/long-suffix", Severity: validate.Low,
		Title:   "numbers with the suffix of Python 2",
		Why:     "numpy reads such a header through a tokenizer that drops the suffix; other readers may not.",
		Fix:     "nothing needs to be done; a copy written by Python 3 has none",
		Hostile: "'shape': (10L,)",
		Benign:  "'shape': (10,)",
		Refs:    []string{specification}}
)

func rules() []*validate.Rule {
	return []*validate.Rule{ruleExpression, ruleHeader, ruleVersion, ruleType, ruleSize, ruleObjects, ruleNested, ruleSuffix}
}
