package kernel_test

import (
	"os"
	"testing"

	"vigil/audit/audittest"
)

func TestMain(m *testing.M) { os.Exit(audittest.Main(m)) }
