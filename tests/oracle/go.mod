module vigil/tests/oracle

go 1.26.0

require (
	github.com/elastic/go-libaudit/v2 v2.6.2
	vigil v0.0.0
)

require (
	golang.org/x/sys v0.49.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace vigil => ../..
