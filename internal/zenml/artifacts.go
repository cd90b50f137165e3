package zenml

import (
	"context"
	"encoding/json"
	"net/url"
)

// ArtifactVersion is what a server says of an artifact version without reading the artifact.
type ArtifactVersion struct {
	ID           string
	Name         string // of the artifact
	Version      string
	Type         string // dotted path of the value's class
	Materializer string // dotted path
}

// UnmarshalJSON reads an item of the list of artifact versions. A source is an object from 0.55 on.
func (v *ArtifactVersion) UnmarshalJSON(b []byte) error {
	type source struct {
		Module    string `json:"module"`
		Attribute string `json:"attribute"`
	}
	var item struct {
		ID   string `json:"id"`
		Body struct {
			Artifact struct {
				Name string `json:"name"`
			} `json:"artifact"`
			Version      string `json:"version"`
			Materializer source `json:"materializer"`
			DataType     source `json:"data_type"`
		} `json:"body"`
	}
	if err := json.Unmarshal(b, &item); err != nil {
		return err
	}
	path := func(s source) string {
		if s.Attribute == "" {
			return s.Module
		}
		return s.Module + "." + s.Attribute
	}
	*v = ArtifactVersion{
		ID: item.ID, Name: item.Body.Artifact.Name, Version: item.Body.Version,
		Type: path(item.Body.DataType), Materializer: path(item.Body.Materializer),
	}
	return nil
}

// ArtifactVersions lists every artifact version, oldest first.
func (c *Client) ArtifactVersions(ctx context.Context) ([]ArtifactVersion, error) {
	return list[ArtifactVersion](ctx, c, "/artifact_versions", url.Values{})
}
