// SPDX-License-Identifier: Apache-2.0

// Asks a witness for cosignatures with sigsum-go, as its logs do. Reads one JSON
// question a line: where the witness is, its key, and the parts of an add-checkpoint
// request; answers "ok", "conflict <size>" or "refused <status>".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"sigsum.org/sigsum-go/pkg/api"
	"sigsum.org/sigsum-go/pkg/checkpoint"
	"sigsum.org/sigsum-go/pkg/client"
	"sigsum.org/sigsum-go/pkg/crypto"
	"sigsum.org/sigsum-go/pkg/requests"
	"sigsum.org/sigsum-go/pkg/types"
)

type question struct {
	URL     string
	Witness string // its verifier key
	Origin  string
	Key     string // the log's verifier key
	Old     uint64
	Size    uint64
	Root    []byte
	Signed  []byte
	Proof   [][]byte
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked question
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			err = ask(asked)
		}
		var status *api.Error
		if size, conflicts := api.ErrorConflictOldSize(err); conflicts {
			fmt.Printf("conflict %d\n", size)
		} else if errors.As(err, &status) {
			fmt.Printf("refused %d\n", status.StatusCode())
		} else if err != nil {
			fmt.Printf("failed: %q\n", err.Error())
		} else {
			fmt.Println("ok")
		}
	}
}

func ask(asked question) error {
	var log, witness checkpoint.NoteVerifier
	if err := log.FromString(asked.Key); err != nil {
		return err
	}
	if err := witness.FromString(asked.Witness); err != nil {
		return err
	}
	request := requests.AddCheckpoint{OldSize: asked.Old}
	request.Checkpoint.Origin = asked.Origin
	request.Checkpoint.KeyId = log.KeyId
	request.Checkpoint.Size = asked.Size
	copy(request.Checkpoint.RootHash[:], asked.Root)
	copy(request.Checkpoint.Signature[:], asked.Signed)
	for _, node := range asked.Proof {
		var hash crypto.Hash
		copy(hash[:], node)
		request.Proof.Path = append(request.Proof.Path, hash)
	}
	asking := client.New(client.Config{UserAgent: "asker", URL: asked.URL})
	lines, err := asking.AddCheckpoint(context.Background(), request)
	if err != nil {
		return err
	}
	head := types.TreeHead{Size: asked.Size, RootHash: request.Checkpoint.RootHash}
	for _, line := range lines {
		if line.KeyName == witness.Name && line.KeyId == witness.KeyId &&
			line.Verify(&witness.PublicKey, asked.Origin, &head) {
			return nil
		}
	}
	return errors.New("the witness has not cosigned")
}
