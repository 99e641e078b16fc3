package main

// checkOwner has nothing to refuse: on Windows new files inherit who may open them.
func checkOwner(string) error { return nil }
