package publish

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// LargestArchive is the most bytes that an uploaded result may have when it is packed.
const LargestArchive = 10 << 20

// mostEntries is more than an upload of a result has.
const mostEntries = 100

// Unpack returns one file of an archive that anybody may have made. No path of it is ever used,
// nothing is written to a disk, and an archive that holds what only an attacker packs is refused
// whole.
func Unpack(archive []byte, name string) ([]byte, error) {
	refuse := func(why string) ([]byte, error) {
		return nil, fault.BadInput("the uploaded archive is refused: "+why, "nothing was published; look at what the run uploaded")
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	switch {
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return refuse(fmt.Sprintf("it is no zip: %v", err))
	case len(r.File) > mostEntries:
		return refuse(fmt.Sprintf("it has %d entries", len(r.File)))
	}
	var found *zip.File
	for _, f := range r.File {
		switch {
		case strings.ContainsAny(f.Name, "\\\x00") || path.IsAbs(f.Name) || !within(f.Name):
			return refuse(fmt.Sprintf("the entry %.100q leads out of it", f.Name))
		case !f.Mode().IsRegular() && !f.Mode().IsDir():
			return refuse(fmt.Sprintf("the entry %.100q is no file", f.Name))
		case f.Name == name && found != nil:
			return refuse(fmt.Sprintf("%q stands in it twice", name))
		case f.Name == name:
			found = f
		}
	}
	if found == nil {
		return refuse(fmt.Sprintf("it has no %q", name))
	}
	in, err := found.Open()
	if err != nil {
		return refuse(err.Error())
	}
	defer in.Close()
	// The size that the archive itself tells is a claim; reading ends where it must.
	data, err := io.ReadAll(io.LimitReader(in, LargestResult+1))
	switch {
	case len(data) > LargestResult:
		return refuse(fmt.Sprintf("%q has more than %d bytes when it is unpacked", name, LargestResult))
	case err != nil:
		return refuse(fmt.Sprintf("%q cannot be unpacked: %v", name, err))
	}
	return data, nil
}

func within(name string) bool {
	clean := path.Clean(name)
	return clean != ".." && !strings.HasPrefix(clean, "../") && !strings.Contains("/"+name+"/", "/../")
}
