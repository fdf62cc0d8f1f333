package main

import (
	"net/http"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

// timestamps is Sigstore's timestamp authority without its program, which serves metrics on a port that can't be chosen
// and ends where another has it: two of them can't run side by side.
func timestamps() http.Handler {
	for name, value := range map[string]any{
		"timestamp-signer":      "memory",
		"timestamp-signer-hash": "sha256",
		"default-policy-oid":    "1.3.6.1.4.1.57264.2",
		"accepted-policy-oids":  []string{"1.3.6.1.4.1.57264.2"},
		"max-request-body-size": 1 << 20,
	} {
		viper.Set(name, value)
	}
	return server.NewRestAPIServer("", 0, []string{"http"}, false, time.Minute, time.Minute).GetHandler()
}
