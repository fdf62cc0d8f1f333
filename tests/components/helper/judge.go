package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// judge says whether sigstore-go accepts a bundle about a digest (sha256:...), signed by an identity of an issuer.
func judge(path, rootPath, digest, identity, issuer string) error {
	signed, err := bundle.LoadJSONFromPath(path)
	if err != nil {
		return err
	}
	trusted, err := root.NewTrustedRootFromPath(rootPath)
	if err != nil {
		return err
	}
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return err
	}
	who, err := verify.NewShortCertificateIdentity(issuer, "", identity, "")
	if err != nil {
		return err
	}
	return decide(verifier, signed, digest, verify.WithCertificateIdentity(who))
}

// judgeKey says whether sigstore-go accepts a bundle about a digest, signed with the private half of a public key, when
// nothing tells the time of it.
func judgeKey(path, digest, keyPath string) error {
	signed, err := bundle.LoadJSONFromPath(path)
	if err != nil {
		return err
	}
	bytes, err := os.ReadFile(keyPath)
	if err != nil {
		return err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(bytes)
	if err != nil {
		return err
	}
	key, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return err
	}
	trusted := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(key, time.Time{}, time.Time{}), nil
	})
	verifier, err := verify.NewVerifier(trusted, verify.WithNoObserverTimestamps())
	if err != nil {
		return err
	}
	return decide(verifier, signed, digest, verify.WithKey())
}

func decide(verifier *verify.Verifier, signed *bundle.Bundle, digest string, signer verify.PolicyOption) error {
	sum, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		return err
	}
	if _, err := verifier.Verify(signed, verify.NewPolicy(verify.WithArtifactDigest("sha256", sum), signer)); err != nil {
		return fmt.Errorf("not accepted: %w", err)
	}
	return nil
}
