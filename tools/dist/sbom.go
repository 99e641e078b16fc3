package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// program is one of the release.
type program struct{ name, platform, path string }

// sbom lists each program with the modules that the Go linker says are in it, and the packages
// that the pages of procmon are built of, in CycloneDX (https://cyclonedx.org/docs/1.6/json/).
func (r *release) sbom(name string, programs []program) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: r.time.Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: "procmon", Type: cdx.ComponentTypeApplication, Name: "procmon", Version: r.version,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		},
	}
	packages, err := r.npm()
	if err != nil {
		return err
	}
	parts := map[string]cdx.Component{}
	depends := []cdx.Dependency{{Ref: "procmon", Dependencies: &[]string{}}}
	var components []cdx.Component
	for _, p := range programs {
		component, modules, err := r.contents(p)
		if err != nil {
			return err
		}
		if p.name == "procmon" {
			modules = append(modules, packages...)
		}
		components = append(components, component)
		*depends[0].Dependencies = append(*depends[0].Dependencies, component.BOMRef)
		var refs []string
		for _, module := range modules {
			parts[module.BOMRef] = module
			refs = append(refs, module.BOMRef)
		}
		depends = append(depends, cdx.Dependency{Ref: component.BOMRef, Dependencies: &refs})
	}
	for _, ref := range slices.Sorted(maps.Keys(parts)) {
		components = append(components, parts[ref])
	}
	bom.Components, bom.Dependencies = &components, &depends
	return create(filepath.Join(r.out, name), func(w io.Writer) error { return encode(w, bom) })
}

// encode writes what decodes to the same again.
func encode(w io.Writer, bom *cdx.BOM) error {
	var text bytes.Buffer
	if err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	again := &cdx.BOM{}
	if err := cdx.NewBOMDecoder(bytes.NewReader(text.Bytes()), cdx.BOMFileFormatJSON).Decode(again); err != nil {
		return fmt.Errorf("decode it again: %w", err)
	}
	if !reflect.DeepEqual(again.Components, bom.Components) || !reflect.DeepEqual(again.Dependencies, bom.Dependencies) {
		return errors.New("decoded again it is another")
	}
	_, err := w.Write(text.Bytes())
	return err
}

// contents reads what the Go linker wrote into a program.
func (r *release) contents(p program) (component cdx.Component, modules []cdx.Component, err error) {
	info, err := buildinfo.ReadFile(p.path)
	if err != nil {
		return component, nil, err
	}
	sum, err := digest(p.path)
	if err != nil {
		return component, nil, err
	}
	component = cdx.Component{
		BOMRef: p.name + " " + p.platform, Type: cdx.ComponentTypeApplication, Name: p.name, Version: r.version, Description: p.platform,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}},
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			properties := append(value(component.Properties), cdx.Property{Name: s.Key, Value: s.Value})
			component.Properties = &properties
		}
	}
	modules = []cdx.Component{module("std", "v"+strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := module(m.Path, m.Version)
		if c.Hashes, err = moduleHash(m); err != nil {
			return component, nil, fmt.Errorf("%s: %w", p.path, err)
		}
		modules = append(modules, c)
	}
	return component, modules, nil
}

func value[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}

// module names a Go module as https://github.com/package-url/purl-spec does.
func module(path, version string) cdx.Component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl}
}

// moduleHash returns the checksum that go.sum has of a module, a SHA-256 over the list of its
// files (https://go.dev/ref/mod#go-sum-files).
func moduleHash(m *debug.Module) (*[]cdx.Hash, error) {
	text, ok := strings.CutPrefix(m.Sum, "h1:")
	if !ok {
		return nil, fmt.Errorf("module %s has no checksum h1: %q", m.Path, m.Sum)
	}
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("module %s: checksum %q: %w", m.Path, m.Sum, err)
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}, nil
}

// npm returns the packages whose code is in the pages: those that package.json says the pages
// need, and Svelte, which the compiler brings.
func (r *release) npm() ([]cdx.Component, error) {
	text, err := os.ReadFile(r.path("webui/app/package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, Integrity string
			Dev                bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	var all []cdx.Component
	for _, path := range slices.Sorted(maps.Keys(lock.Packages)) {
		p := lock.Packages[path]
		if path == "" || p.Dev && path != "node_modules/svelte" {
			continue
		}
		_, name, _ := strings.Cut(path, "node_modules/")
		purl := "pkg:npm/" + strings.ReplaceAll(name, "@", "%40") + "@" + p.Version
		c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: p.Version, PackageURL: purl}
		if digits, ok := strings.CutPrefix(p.Integrity, "sha512-"); ok {
			sum, err := base64.StdEncoding.DecodeString(digits)
			if err != nil {
				return nil, fmt.Errorf("package-lock.json: %s: %w", path, err)
			}
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA512, Value: hex.EncodeToString(sum)}}
		}
		all = append(all, c)
	}
	return all, nil
}
