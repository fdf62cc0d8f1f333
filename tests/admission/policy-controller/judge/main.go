// The verdict of policy-controller's own code on an image, for tests/admission.sh. Its tester has no way to be given a
// trusted root as a file; the controller gets one by TUF, and policies name it "private" here.
// usage: judge POLICY TRUSTED-ROOT IMAGE
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/policy-controller/pkg/apis/config"
	"github.com/sigstore/policy-controller/pkg/policy"
	"google.golang.org/protobuf/encoding/protojson"
	"knative.dev/pkg/apis"
)

func main() {
	if err := judge(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: judge POLICY TRUSTED-ROOT IMAGE")
	}
	document, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	root := &config.SigstoreKeys{}
	if err := protojson.Unmarshal(document, root); err != nil {
		return err
	}
	configuration := config.FromContextOrDefaults(context.Background())
	configuration.SigstoreKeysConfig = &config.SigstoreKeysMap{SigstoreKeys: map[string]*config.SigstoreKeys{"private": root}}
	ctx := config.ToContext(context.Background(), configuration)

	verification := policy.Verification{NoMatchPolicy: "deny", Policies: &[]policy.Source{{Path: args[0]}}}
	if invalid := verification.Validate(ctx); invalid != nil {
		if err := invalid.Filter(apis.ErrorLevel); err != nil {
			return err
		}
	}
	image, err := name.ParseReference(args[2])
	if err != nil {
		return err
	}
	verifier, err := policy.Compile(ctx, verification, func(format string, values ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", values...)
	})
	if err != nil {
		return err
	}
	return verifier.Verify(ctx, image, authn.DefaultKeychain)
}
