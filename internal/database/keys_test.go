package database

import (
	"encoding/base64"
	"testing"
	"time"
)

// written by SQLAlchemy-Utils 0.42's AesGcmEngine under the key "right key": {"word": "open sesame"}
const sealedSecret = "cWGTQS/GTrNLN3ZsBcFI/G31kXlhTlkMF5KgTt3JNci9Yh/320G5L2Nwkzup3kBTmFL5"

func TestTheKeyIsTriedOnAStoredSecret(t *testing.T) {
	t.Parallel()
	plain := base64.StdEncoding.EncodeToString([]byte(`{"word": "open sesame"}`))
	table := "CREATE TABLE secret (id CHAR(32), name TEXT, `values` BLOB)"
	for name, c := range map[string]struct {
		statements []string
		key        string
		want       SecretsKey
	}{
		"no table":   {nil, "right key", SecretsNone},
		"none":       {[]string{table}, "right key", SecretsNone},
		"right key":  {[]string{table, "INSERT INTO secret VALUES ('1', 'a', '" + sealedSecret + "')"}, "right key", SecretsDecrypted},
		"wrong key":  {[]string{table, "INSERT INTO secret VALUES ('1', 'a', '" + sealedSecret + "')"}, "another", SecretsKeyWrong},
		"no key":     {[]string{table, "INSERT INTO secret VALUES ('1', 'a', '" + sealedSecret + "')"}, "", SecretsKeyMissing},
		"plain":      {[]string{table, "INSERT INTO secret VALUES ('1', 'a', '" + plain + "')"}, "right key", SecretsPlain},
		"elsewhere":  {[]string{table, "INSERT INTO secret VALUES ('1', 'a', NULL)"}, "right key", SecretsExternal},
		"of no form": {[]string{table, "INSERT INTO secret VALUES ('1', 'a', '??')"}, "right key", SecretsKeyWrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sample(t, "DELETE")
			change(t, d, append([]string{"SELECT 1"}, c.statements...)...)
			m, err := d.Backup(t.Context(), t.TempDir(), Meta{Now: time.Now(), EncryptionKey: c.key, JWTKey: true})
			if err != nil {
				t.Fatal(err)
			}
			if m.Keys.Secrets != c.want || !m.Keys.JWT {
				t.Errorf("%+v, want %s", m.Keys, c.want)
			}
		})
	}
}
