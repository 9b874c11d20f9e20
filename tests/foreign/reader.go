// SPDX-License-Identifier: Apache-2.0

// Judges, with other people's implementations of the same formats, what FedSafe
// writes. Reads one JSON question a line and answers each with a line: "ok", or
// "refused: " and why. Asked to sign, it answers with a note of its own, in base64. Two implementations judge every proof; both must agree.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	formats "github.com/transparency-dev/formats/log"
	cosigned "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type question struct {
	Kind      string
	Note      []byte
	Key       string   // the log's verifier key
	Witnesses []string // keys whose cosignatures must all be there
	Entry     []byte
	Index     int64
	Old, Size int64
	OldRoot   []byte
	Root      []byte
	Proof     [][]byte
	Directory string
	Minimum   int64 // of the entries before there are hashes only
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked question
		var made []byte
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			made, err = judge(asked)
		}
		if err != nil {
			fmt.Printf("refused: %q\n", err.Error())
		} else {
			fmt.Println("ok" + base64.StdEncoding.EncodeToString(made))
		}
	}
}

func judge(asked question) ([]byte, error) {
	switch asked.Kind {
	case "sign":
		return sign(asked)
	case "checkpoint":
		_, err := checkpoint(asked.Note, asked.Key, asked.Witnesses)
		return nil, err
	case "inclusion":
		return nil, inclusion(asked)
	case "consistency":
		return nil, consistency(asked)
	case "tiles":
		return nil, tiles(asked.Directory, asked.Key, asked.Minimum)
	}
	return nil, fmt.Errorf("no question of the kind %q", asked.Kind)
}

// Signs a checkpoint as its log (the private key `key`) and as a witness.
func sign(asked question) ([]byte, error) {
	log, err := note.NewSigner(asked.Key)
	if err != nil {
		return nil, err
	}
	witness, err := cosigned.NewSignerForCosignatureV1(asked.Witnesses[0])
	if err != nil {
		return nil, err
	}
	head := formats.Checkpoint{Origin: log.Name(), Size: uint64(asked.Size), Hash: asked.Root}
	return note.Sign(&note.Note{Text: string(head.Marshal())}, log, witness)
}

func checkpoint(msg []byte, key string, witnesses []string) (*formats.Checkpoint, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	others := make([]note.Verifier, 0, len(witnesses))
	for _, witness := range witnesses {
		other, err := cosigned.NewVerifierForCosignatureV1(witness)
		if err != nil {
			return nil, err
		}
		others = append(others, other)
	}
	found, _, opened, err := formats.ParseCheckpoint(msg, verifier.Name(), verifier, others...)
	if err != nil {
		return nil, err
	}
	if len(opened.Sigs) != 1+len(witnesses) {
		return nil, errors.New("a cosignature is missing")
	}
	return found, nil
}

func inclusion(asked question) error {
	leaf := rfc6962.DefaultHasher.HashLeaf(asked.Entry)
	first := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(asked.Index),
		uint64(asked.Size), leaf, asked.Proof, asked.Root)
	second := tlog.CheckRecord(hashes(asked.Proof), asked.Size, hash(asked.Root),
		asked.Index, tlog.RecordHash(asked.Entry))
	return agreed(first, second)
}

func consistency(asked question) error {
	first := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(asked.Old),
		uint64(asked.Size), asked.Proof, asked.OldRoot, asked.Root)
	second := tlog.CheckTree(hashes(asked.Proof), asked.Size, hash(asked.Root),
		asked.Old, hash(asked.OldRoot))
	return agreed(first, second)
}

func agreed(first, second error) error {
	if (first == nil) != (second == nil) {
		panic(fmt.Sprint("two verdicts: ", first, second))
	}
	return first
}

// A directory of files, read as the tiles of golang.org/x/mod: its paths name the
// height of a tile as well, everything behind that is the same.
type directory string

func (directory) Height() int                     { return height }
func (directory) SaveTiles([]tlog.Tile, [][]byte) {}
func (d directory) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, 0, len(wanted))
	for _, tile := range wanted {
		data, err := d.read(path(tile))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (d directory) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func tiles(name, key string, minimum int64) error {
	d := directory(name)
	signed, err := d.read("checkpoint")
	if err != nil {
		return err
	}
	head, err := checkpoint(signed, key, nil)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: int64(head.Size), Hash: hash(head.Hash)}
	reader := tlog.TileHashReader(tree, d)
	// That reader leaves some full tiles to what stands below them, and below a
	// minimum nothing does: so the root is computed from all leaves as well.
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	leaves := factory.NewEmptyRange(0)
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		proved, err := tlog.ReadTileData(tile, reader) // authenticated up to the root
		if err != nil {
			return err
		}
		data, err := d.read(path(tile))
		if err != nil || !bytes.Equal(data, proved) {
			return fmt.Errorf("%s has other hashes (%v)", path(tile), err)
		}
		for at := 0; tile.L == 0 && at < len(data); at += tlog.HashSize {
			if err := leaves.Append(data[at:at+tlog.HashSize], nil); err != nil {
				return err
			}
		}
		if tile.L == 0 && tile.N<<height >= minimum {
			if err := bundle(d, tile, proved); err != nil {
				return err
			}
		}
	}
	root, err := leaves.GetRootHash(nil)
	if err != nil || !bytes.Equal(root, head.Hash) {
		return fmt.Errorf("the leaves are not those of the checkpoint (%v)", err)
	}
	return nil
}

func bundle(d directory, tile tlog.Tile, proved []byte) error {
	name := strings.Replace(path(tile), "tile/0/", "tile/entries/", 1)
	data, err := d.read(name)
	if err != nil {
		return err
	}
	for ; len(proved) > 0; proved = proved[tlog.HashSize:] {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return fmt.Errorf("%s is too short", name)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		leaf := tlog.RecordHash(data[2:end])
		if !bytes.Equal(leaf[:], proved[:tlog.HashSize]) {
			return fmt.Errorf("%s has another entry", name)
		}
		data = data[end:]
	}
	if len(data) > 0 {
		return fmt.Errorf("%s is too long", name)
	}
	return nil
}

func hash(data []byte) (h tlog.Hash) {
	copy(h[:], data)
	return h
}

func hashes(data [][]byte) []tlog.Hash {
	found := make([]tlog.Hash, 0, len(data))
	for _, each := range data {
		found = append(found, hash(each))
	}
	return found
}
