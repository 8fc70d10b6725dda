package pysource

import (
	"os"
	"testing"
)

func TestShow(t *testing.T) {
	b, err := os.ReadFile(os.Getenv("SHOW"))
	if err != nil {
		t.Skip("SHOW names no file")
	}
	for _, f := range analysed(string(b), "x.py") {
		t.Log(f)
	}
}
