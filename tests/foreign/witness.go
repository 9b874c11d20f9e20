// SPDX-License-Identifier: Apache-2.0

// A witness of one log, made of sigsum-go: its server reads requests, verifies
// proofs and signatures, and cosigns. It remembers in memory what it saw last.
//
//	witness LISTEN NAME ORIGIN LOG-KEY
//
// Prints its own verifier key once it listens; LOG-KEY is the log's verifier key.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"sigsum.org/sigsum-go/pkg/api"
	"sigsum.org/sigsum-go/pkg/checkpoint"
	"sigsum.org/sigsum-go/pkg/crypto"
	"sigsum.org/sigsum-go/pkg/requests"
	"sigsum.org/sigsum-go/pkg/server"
	"sigsum.org/sigsum-go/pkg/types"
)

type witness struct {
	name   string
	origin string
	log    crypto.PublicKey
	public crypto.PublicKey
	signer crypto.Signer
	mutex  sync.Mutex
	seen   types.TreeHead
}

func (w *witness) AddCheckpoint(_ context.Context, asked requests.AddCheckpoint) ([]checkpoint.CosignatureLine, error) {
	if asked.Checkpoint.Origin != w.origin {
		return nil, api.ErrNotFound
	}
	// Its own check knows the names of Sigsum's logs only.
	text := asked.Checkpoint.FormatCheckpoint(w.origin)
	if !crypto.Verify(&w.log, []byte(text), &asked.Checkpoint.Signature) {
		return nil, api.ErrForbidden
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if asked.OldSize != w.seen.Size {
		return nil, api.ErrConflict.WithOldSize(w.seen.Size)
	}
	if err := asked.Proof.Verify(&w.seen, &asked.Checkpoint.TreeHead); err != nil {
		return nil, api.ErrUnprocessableEntity.WithError(err)
	}
	cosignature, err := asked.Checkpoint.Cosign(w.signer, uint64(time.Now().Unix()))
	if err != nil {
		return nil, err
	}
	w.seen = asked.Checkpoint.TreeHead
	line := checkpoint.CosignatureLine{
		KeyName:     w.name,
		KeyId:       checkpoint.NewWitnessKeyId(w.name, &w.public),
		Cosignature: cosignature,
	}
	return []checkpoint.CosignatureLine{line}, nil
}

func main() {
	var log checkpoint.NoteVerifier
	check(log.FromString(os.Args[4]))
	public, signer, err := crypto.NewKeyPair()
	check(err)
	served := &witness{
		name:   os.Args[2],
		origin: os.Args[3],
		log:    log.PublicKey,
		public: public,
		signer: signer,
		seen:   types.TreeHead{RootHash: crypto.HashBytes(nil)},
	}
	listener, err := net.Listen("tcp", os.Args[1])
	check(err)
	own := checkpoint.NewNoteVerifier(served.name, checkpoint.SigTypeCosignature, &public)
	fmt.Println(own.String())
	check(http.Serve(listener, server.NewWitness(&server.Config{}, served)))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
