package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"ecs-scrape/controller/target"
)

// secretPrefix begins the environment variables that become files.
const secretPrefix = envPrefix + "SECRET_"

var secretSuffix = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// secretsFlags say who reads the files of the secrets.
type secretsFlags struct{ uid int }

func (f *secretsFlags) add(flags *pflag.FlagSet) {
	flags.IntVar(&f.uid, "secrets.uid", target.OwnerByItself,
		"user that the files of ECS_SCRAPE_SECRET_* variables are given to (default: as root, the owner of the output directory, else 65534; else this user)")
}

// secrets are the values of the variables ECS_SCRAPE_SECRET_<NAME>, as they are,
// by their names in lower case. An error names a variable, and no value.
func secrets(environment []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, entry := range environment {
		key, value, _ := strings.Cut(entry, "=")
		suffix, ok := strings.CutPrefix(key, secretPrefix)
		if !ok {
			continue
		}
		name := strings.ToLower(suffix)
		if !secretSuffix.MatchString(suffix) {
			return nil, fmt.Errorf("environment variable %s: what follows %s must be letters, digits and underscores; rename it", key, secretPrefix)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("environment variable %s: another one differs in case alone, and both are the secret %s; rename one", key, name)
		}
		found[name] = []byte(value)
	}
	return found, nil
}

// readSecrets are those of this process.
func readSecrets() (map[string][]byte, error) { return secrets(os.Environ()) }

// holds says which secrets there are.
func holds(values map[string][]byte) func(string) bool {
	return func(name string) bool { _, ok := values[name]; return ok }
}
