package isolate

import (
	"os"
	"testing"

	"github.com/loadlock/loadlock/isolate/attack"
)

func init() { Init() } // this test binary is also the program that libcontainer re-executes

func TestMain(m *testing.M) {
	if IsCell() {
		attackFromCell()
	}
	if IsNetCell() {
		attackFromNetCell()
	}
	if attack.IsPayload() {
		os.Exit(attack.Payload())
	}
	if stage := os.Getenv(supervisorStage); stage != "" {
		supervise(stage)
	}
	if task := os.Getenv(memberStage); task != "" {
		member(task)
	}
	if granted := os.Getenv(fewFilesStage); granted != "" {
		planWithFewFiles(granted == "1")
	}
	if kind := os.Getenv(outerSandbox); kind != "" {
		insideOuter(kind)
	}
	code := m.Run()
	reportSkipped()
	os.Exit(code)
}
