// Package pickle judges Python pickles without running them.
//
// A pickle is a program for a stack machine. The machine here runs it symbolically: every value knows where
// it came from (a literal, an import, the result of a call, an instance of a class, a persistent storage),
// and nothing is ever imported or called. It follows CPython's C unpickler (Modules/_pickle.c), because that
// is what loaders run; where the C and the pure-Python unpickler read the same bytes differently, that is a
// finding of its own.
//
// The machine emits events (an import, a call, a BUILD, an item set on a target, a persistent id); the judge
// allows what globals.txt lists, per name and per act, and refuses everything else. The list of dangerous
// names in the same file only sharpens the words of a refusal.
//
// # Security
//
// Cost is linear in the number of opcodes plus the bytes of lines; literals are skipped by offset. No length
// field sizes memory; the graph of live values, the stack and the memo are bounded. The machine is iterative.
// An error in the stream is a finding in addition to everything that came before it, because the unpickler
// has done all of that by the time it meets the error.
//
// joblib's arrays lie between the opcodes; their numbers are passed over, but looked at with the eyes of unpicklers
// that do not know joblib. The memory of a scan does not grow with the file: the memo forgets what old values were, and
// what is then used without being known is refused.
//
// Out of scope: what compiled code of scikit-learn and scipy does with hostile indices later (a note says so), what
// TorchScript classes do (the archive's scanner judges their code), and the numbers themselves.
package pickle
