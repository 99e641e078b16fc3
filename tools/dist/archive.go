package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is one of an archive: its name there, where it comes from, its rights on Linux.
type file struct {
	name, from string
	mode       fs.FileMode
}

// zip writes an archive whose files lie in a folder of its name.
func (r *release) zip(name string, files []file) error {
	return create(filepath.Join(r.out, name+".zip"), func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, f := range files {
			header := &zip.FileHeader{Name: name + "/" + f.name, Method: zip.Deflate, Modified: r.time}
			header.SetMode(f.mode)
			to, err := z.CreateHeader(header)
			if err != nil {
				return err
			}
			if err := pour(to, f.from); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// tarball writes an archive whose files lie in a folder of its name.
func (r *release) tarball(name string, files []file) error {
	return create(filepath.Join(r.out, name+".tar.gz"), func(w io.Writer) error {
		compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		t := tar.NewWriter(compressed)
		for _, f := range files {
			info, err := os.Stat(f.from)
			if err != nil {
				return err
			}
			if err := t.WriteHeader(&tar.Header{
				Typeflag: tar.TypeReg, Name: name + "/" + f.name, Size: info.Size(), Mode: int64(f.mode),
				ModTime: r.time, Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
			}); err != nil {
				return err
			}
			if err := pour(t, f.from); err != nil {
				return err
			}
		}
		if err := t.Close(); err != nil {
			return err
		}
		return compressed.Close()
	})
}

// checksums writes what sha256sum --check reads, of all that lies in the folder.
func (r *release) checksums(name string) error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	return create(filepath.Join(r.out, name), func(w io.Writer) error {
		for _, entry := range entries {
			if entry.Name() == name {
				continue
			}
			sum, err := digest(filepath.Join(r.out, entry.Name()))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s  %s\n", sum, entry.Name()); err != nil {
				return err
			}
		}
		return nil
	})
}

// digest returns a file's SHA-256 in hexadecimal.
func digest(path string) (string, error) {
	sum := sha256.New()
	if err := pour(sum, path); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

func copyFile(to, from string) error {
	return create(to, func(w io.Writer) error { return pour(w, from) })
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

func pour(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
