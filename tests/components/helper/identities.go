package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
)

// identities serves two issuers of OpenID Connect, /github and /email, each of which signs any claims that are posted to
// its /token, and a log for certificates (RFC 6962) at /ct, whose public key is written to DIRECTORY/ct.pub.
func identities(address, directory string) (http.Handler, error) {
	// As GitHub's and most others' are.
	signingKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: signingKey, KeyID: "test"}}, nil)
	if err != nil {
		return nil, err
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signingKey.Public(), KeyID: "test", Algorithm: "RS256", Use: "sig"}}}
	mux := http.NewServeMux()
	for _, name := range []string{"/github", "/email"} {
		issuer := "http://" + address + name
		mux.HandleFunc("GET "+name+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{
				"issuer": issuer, "jwks_uri": issuer + "/keys", "authorization_endpoint": issuer + "/auth",
				"token_endpoint": issuer + "/oauth", "id_token_signing_alg_values_supported": []string{"RS256"},
				"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
			})
		})
		mux.HandleFunc("GET "+name+"/keys", func(w http.ResponseWriter, _ *http.Request) { answer(w, keys) })
		mux.HandleFunc("POST "+name+"/token", func(w http.ResponseWriter, r *http.Request) {
			now := time.Now()
			claims := map[string]any{
				"iss": issuer, "aud": "sigstore", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
			}
			if err := json.NewDecoder(r.Body).Decode(&claims); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			token, err := jwt.Signed(signer).Claims(claims).Serialize()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			answer(w, map[string]string{"value": token})
		})
	}

	logKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(logKey.Public())
	if err != nil {
		return nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	if err := os.WriteFile(filepath.Join(directory, "ct.pub"), block, 0o600); err != nil {
		return nil, err
	}
	id := sha256.Sum256(public)
	mux.HandleFunc("POST /ct/ct/v1/add-pre-chain", func(w http.ResponseWriter, r *http.Request) {
		var request ct.AddChainRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		response, err := promise(request, id, logKey)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, response)
	})
	return mux, nil
}

// promise is the log's word that it will publish a certificate.
func promise(request ct.AddChainRequest, id [32]byte, key *ecdsa.PrivateKey) (*ct.AddChainResponse, error) {
	var chain []ct.ASN1Cert
	for _, certificate := range request.Chain {
		chain = append(chain, ct.ASN1Cert{Data: certificate})
	}
	timestamp := uint64(time.Now().UnixMilli())
	leaf, err := ct.MerkleTreeLeafFromRawChain(chain, ct.PrecertLogEntryType, timestamp)
	if err != nil {
		return nil, err
	}
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, LogID: ct.LogID{KeyID: id}, Timestamp: timestamp}
	input, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(input)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	signed, err := tls.Marshal(tls.DigitallySigned{
		Algorithm: tls.SignatureAndHashAlgorithm{Hash: tls.SHA256, Signature: tls.ECDSA},
		Signature: signature,
	})
	if err != nil {
		return nil, err
	}
	return &ct.AddChainResponse{SCTVersion: ct.V1, Timestamp: timestamp, ID: id[:], Signature: signed}, nil
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
