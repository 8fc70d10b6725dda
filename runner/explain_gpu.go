package runner

import (
	"fmt"
	"io"
	"strings"

	"github.com/loadlock/loadlock/runner/advise"
)

// explainGPUError is the page of an error of a GPU's libraries.
func explainGPUError(w io.Writer, e advise.GPUError, style Style) {
	fmt.Fprintf(w, "%s  %s\n%s\n\ncauses, the most likely in this sandbox first:\n", style.paint("1", e.ID), e.Names, e.Means)
	for i, c := range e.Causes {
		fmt.Fprintf(w, "%2d. %s\n    fix:  %s\n", i+1, c.Why, c.Do)
	}
	fmt.Fprintf(w, "\ncheck:\n    %s\n\nsee:  %s\n", strings.Join(e.Checks, "\n    "), strings.Join(e.Refs, "\n      "))
}
