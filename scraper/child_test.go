package scraper_test

func runChild() {}
