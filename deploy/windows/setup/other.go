//go:build !windows

package main

import "errors"

var errWindows = errors.New("runs on Windows only")

func hold() error                      { return errWindows }
func configure(string, []change) error { return errWindows }
func openFirewall(string) error        { return errWindows }
func release() error                   { return errWindows }
func forget() error                    { return errWindows }
func resume() error                    { return errWindows }
func restore(string) error             { return errWindows }
func remove(string) error              { return errWindows }
func purge() error                     { return errWindows }
func report(error)                     {}
