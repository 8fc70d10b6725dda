package isolate

import (
	"os"
	"testing"
)

func init() { Init() } // this test binary is also the program that libcontainer re-executes

func TestMain(m *testing.M) {
	if IsCell() {
		attackFromCell()
	}
	if stage := os.Getenv(supervisorStage); stage != "" {
		supervise(stage)
	}
	code := m.Run()
	reportSkipped()
	os.Exit(code)
}
