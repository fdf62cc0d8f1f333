package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// repository writes a TUF repository with these files as its targets, as a web server would show it: one key, and
// consistent snapshots.
func repository(to string, files []string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := signature.LoadSigner(private, crypto.Hash(0))
	if err != nil {
		return err
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return err
	}
	expires := time.Now().Add(24 * time.Hour).UTC()
	root := metadata.Root(expires)
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		if err := root.Signed.AddKey(key, role); err != nil {
			return err
		}
	}
	targets := metadata.Targets(expires)
	if err := os.MkdirAll(filepath.Join(to, "targets"), 0o755); err != nil {
		return err
	}
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		target, err := metadata.TargetFile().FromBytes(file, bytes, "sha256")
		if err != nil {
			return err
		}
		name := filepath.Base(file)
		targets.Signed.Targets[name] = target
		stored := fmt.Sprintf("%s.%s", hex.EncodeToString(target.Hashes["sha256"]), name)
		if err := os.WriteFile(filepath.Join(to, "targets", stored), bytes, 0o644); err != nil {
			return err
		}
	}
	if err := store(root, signer, to, "1.root.json"); err != nil {
		return err
	}
	if err := store(targets, signer, to, "1.targets.json"); err != nil {
		return err
	}
	if err := store(metadata.Snapshot(expires), signer, to, "1.snapshot.json"); err != nil {
		return err
	}
	return store(metadata.Timestamp(expires), signer, to, "timestamp.json")
}

func store[T metadata.Roles](document *metadata.Metadata[T], signer signature.Signer, to, name string) error {
	if _, err := document.Sign(signer); err != nil {
		return err
	}
	return document.ToFile(filepath.Join(to, name), true)
}
