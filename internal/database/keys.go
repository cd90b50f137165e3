package database

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Keys say which keys a server needs to read what a backup holds. No key and no secret is in it.
type Keys struct {
	Secrets SecretsKey `json:"secrets"`
	// JWT says whether the key of the server's tokens was at hand. Without it everybody has to log in
	// again after a restore, and nothing else is lost.
	JWT bool `json:"jwt"`
}

// SecretsKey says what the key for stored secrets proved to be, on one stored secret.
type SecretsKey string

// What it can be.
const (
	SecretsNone       SecretsKey = "none_stored"
	SecretsDecrypted  SecretsKey = "decrypted"      // by the key that was given
	SecretsPlain      SecretsKey = "not_encrypted"  // no key is needed
	SecretsKeyMissing SecretsKey = "key_missing"    // encrypted, and no key was given
	SecretsKeyWrong   SecretsKey = "key_wrong"      // encrypted, and not with the key that was given
	SecretsExternal   SecretsKey = "external_store" // the database holds names of secrets and no values
)

// secretTable holds secrets (0.39 to 0.98).
const secretTable = "secret"

// secretsOf tries the key on one stored secret.
func secretsOf(ctx context.Context, c *sql.Conn, content Fingerprint, key string) (SecretsKey, error) {
	if content.Tables[secretTable].Rows == 0 {
		return SecretsNone, nil
	}
	var stored []byte
	err := c.QueryRowContext(ctx, "SELECT `values` FROM `"+secretTable+"` WHERE `values` IS NOT NULL LIMIT 1").Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return SecretsExternal, nil
	}
	if err != nil {
		return "", fmt.Errorf("reading one stored secret: %w", err)
	}
	return tryKey(stored, key), nil
}

// tryKey says how a stored value can be read: ZenML stores JSON as base64, or encrypted by
// SQLAlchemy-Utils' AesGcmEngine, whose form is base64 of nonce (12 bytes), tag (16) and ciphertext
// under the key's sha256.
func tryKey(stored []byte, key string) SecretsKey {
	raw, err := base64.StdEncoding.DecodeString(string(stored))
	switch {
	case err == nil && json.Valid(raw):
		return SecretsPlain
	case key == "":
		return SecretsKeyMissing
	case err == nil && decrypts(raw, key):
		return SecretsDecrypted
	}
	return SecretsKeyWrong
}

func decrypts(raw []byte, key string) bool {
	const nonce, tag = 12, 16
	if len(raw) < nonce+tag {
		return false
	}
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return false
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return false
	}
	sealed := append(append([]byte{}, raw[nonce+tag:]...), raw[nonce:nonce+tag]...)
	_, err = gcm.Open(nil, raw[:nonce], sealed, nil)
	return err == nil
}
