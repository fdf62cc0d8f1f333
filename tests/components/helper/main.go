// What the tests of signing need beside real servers: a registry that keeps lists of referrers, an issuer of identity
// tokens with a log for certificates, a timestamp authority, Trillian for Rekor 1, a TUF repository, and a judge of bundles
// that is not ours.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	err := fmt.Errorf("usage: helper registry ADDRESS | timestamps ADDRESS | trillian ADDRESS | identities ADDRESS DIRECTORY | tuf DIRECTORY FILE... | judge BUNDLE ROOT DIGEST IDENTITY ISSUER | judge-key BUNDLE DIGEST KEY")
	args := os.Args[1:]
	switch {
	case len(args) == 2 && args[0] == "registry":
		err = serve(args[1], registry.New(registry.WithReferrersSupport(true)))
	case len(args) == 2 && args[0] == "timestamps":
		err = serve(args[1], timestamps())
	case len(args) == 2 && args[0] == "trillian":
		err = trillianServers(args[1])
	case len(args) == 3 && args[0] == "identities":
		var handler http.Handler
		if handler, err = identities(args[1], args[2]); err == nil {
			err = serve(args[1], handler)
		}
	case len(args) > 2 && args[0] == "tuf":
		err = repository(args[1], args[2:])
	case len(args) == 6 && args[0] == "judge":
		err = judge(args[1], args[2], args[3], args[4], args[5])
	case len(args) == 4 && args[0] == "judge-key":
		err = judgeKey(args[1], args[2], args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return http.Serve(listener, handler)
}
