package validate

import "fmt"

// UnmarshalText reads the word that MarshalText wrote.
func (s *Severity) UnmarshalText(b []byte) error {
	for _, v := range []Severity{Low, Medium, High} {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("severity %q", b)
}

// UnmarshalText reads the word that MarshalText wrote.
func (v *Verdict) UnmarshalText(b []byte) error {
	for _, w := range []Verdict{Undecided, Admit, Reject, Inconclusive} {
		if w.String() == string(b) {
			*v = w
			return nil
		}
	}
	return fmt.Errorf("verdict %q", b)
}

// UnmarshalText reads the word that MarshalText wrote.
func (c *Confidence) UnmarshalText(b []byte) error {
	for _, v := range []Confidence{Certain, Likely, Possible} {
		if v.String() == string(b) {
			*c = v
			return nil
		}
	}
	return fmt.Errorf("confidence %q", b)
}
