package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/urfave/cli/v2"
)

func cacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "cache",
		Usage: "show or clear the folder of stored verdicts",
		Description: `Shows how much carat gate has stored. --gc deletes the least recently used verdicts; they are measured again when
they are needed. Baselines are kept, since they cannot be made again. To remove everything, delete the folder.

EXAMPLES:
   carat cache
   carat cache --gc 100M
   carat cache --cache .carat-cache --gc 0`,
		Flags: group("CACHE",
			cacheFlag(),
			&cli.StringFlag{Name: "gc", Usage: "`SIZE` delete the least recently used verdicts until at most this size is left, such as 100M or 2G (decimal units)"},
		),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			if _, err := positional(c, 0, "no arguments"); err != nil {
				return err
			}
			limit := int64(-1)
			if v := c.String("gc"); v != "" {
				if limit = 0; v != "0" { // to gguf.ParseSize no size at all
					if limit, err = gguf.ParseSize(v); err != nil {
						return usagef("--gc: %w", err)
					}
				}
			}
			folder := cacheFolder(c)
			if folder == "" {
				return usagef("cache needs --cache FOLDER, since this user has no cache folder")
			}
			if err := atomicfile.CheckFolder(folder); err != nil {
				return fmt.Errorf("--cache: %w", err)
			}
			return runCache(g, cache.At(folder), limit)
		},
	}
}

func cacheFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", EnvVars: []string{"CARAT_CACHE"}, Usage: "`FOLDER` folder of stored verdicts; by default carat in the user's cache folder"}
}

// cacheFolder is --cache or its default; "" when there is none.
func cacheFolder(c *cli.Context) string {
	if dir := c.String("cache"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "carat")
}

// runCache deletes, unless limit is negative, and shows what is there.
func runCache(g global, d *cache.Dir, limit int64) (err error) {
	deleted := 0
	if limit >= 0 {
		if deleted, err = d.GC(limit); err != nil {
			return err
		}
	}
	u, err := d.Usage()
	if err != nil {
		return err
	}
	switch {
	case g.json:
		return printJSON(g.out, struct {
			cache.Usage
			Deleted int `json:"deleted"`
		}{u, deleted})
	case g.quiet:
		return nil
	}
	printf(g.out, "%s\n", u.Path)
	t := newTable(g.out)
	t.row("verdicts", fmt.Sprintf("%6d", u.Answers), size(u.Bytes))
	t.row("baselines", fmt.Sprintf("%6d", u.Baselines), size(u.BaselineBytes))
	t.flush()
	if limit >= 0 {
		printf(g.out, "%d deleted\n", deleted)
	}
	return nil
}
