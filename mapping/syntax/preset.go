package syntax

import (
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/syntax/preset"
	"sfsync/mapping/yamlnode"
)

// Presets are the mappings that ship with the tool. The zero Presets are none.
type Presets struct {
	// Get returns the text of a preset.
	Get func(name string) ([]byte, bool)
	// Names lists them, for messages.
	Names func() []string
}

// PresetFile is the file that places in a preset have.
func PresetFile(name string) string { return "preset:" + name }

// preset merges a mapping into the preset that it names, if it names one. It reports false if
// there is nothing to go on with.
func (p *parser) preset(f *File, root *yamlnode.Node, presets Presets) (*yamlnode.Node, bool) {
	name := root.Get("preset")
	if name == nil || name.Kind != yamlnode.Scalar || name.IsNull() || strings.TrimSpace(name.Text) == "" {
		if list := root.Get("targets"); list != nil {
			preset.Unused(&p.list, list.Items...)
		}
		return root, true // what is wrong with the key is said where the others are checked
	}
	var text []byte
	known := false
	if presets.Get != nil {
		text, known = presets.Get(name.Text)
	}
	if !known {
		p.list.Errorf(name.Pos, codePreset, presetHint(name.Text, presets), "unknown preset %q", diag.Cut(name.Text))
		return nil, false
	}
	f.Preset = str(name)
	p.takes(PresetFile(name.Text), text)
	base := yamlnode.Parse(PresetFile(name.Text), text, &p.list)
	if base == nil || base.Kind != yamlnode.Map {
		p.list.Errorf(name.Pos, codePreset, "", "the preset %q is no mapping", diag.Cut(name.Text))
		return nil, false
	}
	if n := base.Get("preset"); n != nil {
		p.list.Errorf(n.Pos, codePreset, "", "a preset cannot start from another one")
	}
	return preset.Merge(base, root, &p.list), true
}

func presetHint(name string, presets Presets) string {
	if presets.Names == nil {
		return ""
	}
	names := presets.Names()
	if near := diag.DidYouMean(name, names); near != "" || len(names) == 0 {
		return near
	}
	return "there are " + strings.Join(names, ", ")
}
