package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asProgram makes the test binary be the program itself, so that tests start
// and stop real processes, race detector included.
const asProgram = "ECS_SCRAPE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
	}
	testscript.Main(m, map[string]func(){"ecs-scrape": main})
}
