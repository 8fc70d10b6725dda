// Package validate judges the files of a model before anything loads them.
//
// # The attacker
//
// Wrote every byte of every file, every name and every link in the model folder, knows this code, and may change
// the files while they are read. The attacker does not control the command, the policy or the host.
//
// # Three verdicts
//
// Admit, reject, inconclusive. Scanners state findings; Decide judges them under a policy. A HIGH finding
// rejects, a MEDIUM one makes the verdict at best inconclusive, a LOW one is a note. What could not be read,
// parsed, or afforded is a MEDIUM finding in addition to everything found before it.
//
// # Accounting for bytes
//
// A scanner does not say "clean". It clears ranges of bytes that it can explain, and a file is cleared only when
// every scanner that matches it explains every byte of it, each on its own. Holes, tails, hidden members and
// polyglots therefore need no rule of their own.
//
// # How to add a scanner
//
//  1. a folder validate/<format> with a package comment that links the specification and says under # Security
//     what is and what is not judged
//  2. the rules: validate.Rule values, all fields but Confidence and Refs filled, with the smallest hostile example and
//     the near-miss that passes
//  3. func Scanner() *validate.Scanner: Match looks at content (the name is a hint), Scan reads through the Pass,
//     calls Report, Clear and, for what it contains, Descend, or Expand when it must be decompressed
//  4. one line in validate/all
//  5. hostile and benign vectors, a fuzz target
//
// Scanners know each other only through Descend. Packages beside them that validate/all does not list (jsonwalk,
// jinja, protowalk, …) are readers which several of them use.
//
// Where hostile bytes are parsed is the caller's choice: Scan does it in this process, the command in a confined one
// (ScanInputs there, Conclude here).
//
// Every number read from a file is bounded before it is used: Pass.Bytes refuses ranges outside the file and
// above the policy's limit, Charge takes from budgets that the whole model shares.
//
// # What is not detected
//
// A model that behaves badly as a model (backdoored weights, biased answers); code in libraries that the command
// imports from the host; harm done by an allow-listed call whose library has a bug. For these there is the box.
package validate
