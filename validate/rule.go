package validate

// Severity says what a finding does to the verdict, unless the policy waives it.
type Severity int

// The zero value is not a severity; a rule without one fails the tests.
const (
	_      Severity = iota
	Low             // a note: reported, changes nothing
	Medium          // something could not be accounted for: the verdict is at best inconclusive
	High            // the model does, or tries to do, harm: the verdict is reject
)

// String is the word that reports print.
func (s Severity) String() string {
	switch s {
	case Low:
		return "LOW"
	case Medium:
		return "MEDIUM"
	case High:
		return "HIGH"
	}
	return "UNKNOWN"
}

// MarshalText makes JSON reports carry the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Confidence says how sure a finding is of what it states. It changes no verdict.
type Confidence int

// The zero value is what a mechanism gives: the bytes say so.
const (
	Certain  Confidence = iota // read from the bytes themselves
	Likely                     // follows from them unless names mean something else at run time
	Possible                   // a pattern that harmless files can have
)

// String is the word that reports print.
func (c Confidence) String() string { return [...]string{"certain", "likely", "possible"}[c] }

// MarshalText makes JSON reports carry the word.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Rule names one kind of finding. All fields but Confidence and Refs are required; a test holds that.
type Rule struct {
	ID         string // "format/what", for example "pickle/global-denied"
	Title      string // one line
	Why        string // what an attacker gains, in one or two sentences
	Fix        string // what the user does next
	Severity   Severity
	Confidence Confidence
	Hostile    string   // the smallest example that the rule is about, as a person would write it down
	Benign     string   // the near-miss that the rule leaves alone
	Refs       []string // CVE, advisory, specification
}

// Finding states a fact about a place in a file. It carries no opinion beyond its rule's severity; Decide
// judges it under a policy.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"`               // "pytorch_model.bin!archive/data.pkl": "!" enters a container
	Offset   int64    `json:"offset"`             // bytes from the start of the innermost file
	Line     int      `json:"line,omitempty"`     // of a text, from 1
	Detail   string   `json:"detail"`             // quoted where it repeats bytes of the model
	Evidence string   `json:"evidence,omitempty"` // the bytes or the line that show it, printable and short

	Confidence Confidence `json:"confidence"`
	Capability string     `json:"capability,omitempty"` // the operation that code would use: a word of restricted_operations
	Global     *Global    `json:"global,omitempty"`
	Waived     string     `json:"waived,omitempty"` // why the policy accepts it
}

// Global is the imported name a pickle finding is about, and the act that was judged.
type Global struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Act    string `json:"act"` // "import", "call", "build"
}
