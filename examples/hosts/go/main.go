// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a model that nncc compiled on files: go run . model.wasm x.f32 ...
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"strings"

	"github.com/tetratelabs/wazero"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: go run . model.wasm x.f32 ...")
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	model, err := Load(ctx, runtime, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	inputs, err := readInputs(model, os.Args[2:])
	if err != nil {
		log.Fatal(err)
	}
	outputs, err := model.Run(ctx, inputs)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range model.Outputs {
		fmt.Println(t.Name, printTensor(outputs[t.Name]))
	}
}

// readInputs takes one file for each input; open sizes are 1.
func readInputs(model *Model, files []string) (map[string]Tensor, error) {
	if len(files) != len(model.Inputs) {
		return nil, fmt.Errorf("the model has %d inputs", len(model.Inputs))
	}
	inputs := map[string]Tensor{}
	for i, t := range model.Inputs {
		content, err := os.ReadFile(files[i])
		if err != nil {
			return nil, err
		}
		tensor := Tensor{Data: make([]float32, len(content)/4)}
		for _, size := range t.Shape {
			tensor.Shape = append(tensor.Shape, max(size.Size, 1))
		}
		if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, tensor.Data); err != nil {
			return nil, err
		}
		inputs[t.Name] = tensor
	}
	return inputs, nil
}

func printTensor(t Tensor) string {
	line := strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Shape), " ", "x"), "[]")
	if line == "" {
		line = "scalar"
	}
	for _, value := range t.Data {
		line += fmt.Sprintf(" %08x", math.Float32bits(value))
	}
	return line
}
