package ecs

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

// apartMost is how many parts of a batch are refused, and none taken, before it
// is the call that counts as refused.
const apartMost = 8

// refusesNames says that ECS refuses a call for what it names: one name that
// cannot be of the cluster spoils the call for all others.
func refusesNames(err error) bool {
	var invalid *types.InvalidParameterException
	return errors.As(err, &invalid)
}

// noCluster says that ECS knows no cluster of the name.
func noCluster(err error) bool {
	var absent *types.ClusterNotFoundException
	return errors.As(err, &absent)
}

// apart asks for names of tasks or container instances, and where they are
// refused together, again without those that have not the form of one, and by
// halves. It returns the names that the refusal is about: so it concerns them
// alone. It is an error where none of the others is taken, for then the names
// are not what is wrong.
func apart(scope inventory.Scope, names []string, ask func([]string) error) (refused []string, err error) {
	why := ask(names)
	if !refusesNames(why) {
		return nil, why
	}
	sound := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !soundName(scope, name) })
	refused = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return soundName(scope, name) })
	taken := len(sound) == 0
	var parts [][]string
	switch {
	case len(refused) == 0:
		parts = halves(sound)
	case !taken:
		parts = [][]string{sound}
	}
	for len(parts) > 0 && (taken || len(parts) < apartMost) {
		var next [][]string
		for _, part := range parts {
			switch err := ask(part); {
			case err == nil:
				taken = true
			case !refusesNames(err):
				return nil, err
			case len(part) > 1:
				next = append(next, halves(part)...)
			default:
				refused = append(refused, part...)
			}
		}
		parts = next
	}
	if !taken {
		return nil, why
	}
	return refused, nil
}

// halves are the two of them, or nothing of one name, which has been asked for.
func halves(names []string) [][]string {
	if len(names) < 2 {
		return nil
	}
	return [][]string{names[:len(names)/2], names[len(names)/2:]}
}

// soundName says that an ARN or id may be of a resource in the scope's cluster.
func soundName(scope inventory.Scope, name string) bool {
	parts := strings.Split(name[strings.LastIndexByte(name, ':')+1:], "/")
	return resourceID.MatchString(parts[len(parts)-1]) && (len(parts) < 3 || len(parts) == 3 && parts[1] == scope.Cluster)
}
