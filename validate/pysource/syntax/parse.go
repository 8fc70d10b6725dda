package syntax

// Parse reads a whole source file. The error is a *SyntaxError.
func Parse(src []byte, limits Limits) (*Module, error) {
	return nil, &SyntaxError{Line: 1, What: "the parser is being written", Limit: true}
}
