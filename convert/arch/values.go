package arch

import "slices"

// MakeConfig is a config that no file has: values as JSON has them, numbers as float64. path is for errors.
func MakeConfig(values map[string]any, path string) *Config {
	return &Config{path: path, values: values, said: &said{}}
}

// FamilyOf returns the family of a class.
func FamilyOf(class string) (*Family, bool) {
	i := slices.IndexFunc(families, func(f *Family) bool { return slices.Contains(f.Classes, class) })
	if i < 0 {
		return nil, false
	}
	return families[i], true
}

// ClassesByArchitecture lists the classes that become models of each general.architecture. A config may say another one
// (Spec.Name), as that of an olmo2 with windows does; such architectures are not in the list.
func ClassesByArchitecture() map[string][]string {
	out := map[string][]string{}
	for _, f := range families {
		out[f.Name] = append(out[f.Name], f.Classes...)
	}
	return out
}
