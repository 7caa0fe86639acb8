// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a model that nncc compiled, in Go on wazero: go run . model.wasm
// Every f32 input is filled with ones; docs/module-format.md has the layout.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const (
	valueBytes  = 16
	tensorBytes = 40
	tagTensor   = 5
	deviceCPU   = 1
	float32Type = 2 | 32<<8 | 1<<16 // DLPack's code, bits and lanes
)

// TensorType is one input or output of the signature; sizes must be fixed.
type TensorType struct {
	Name  string
	Dtype string
	Shape []uint64
}

// Model is an instance of a module and its signature.
type Model struct {
	module          api.Module
	Inputs, Outputs []TensorType
}

// Load instantiates the module in the file.
func Load(ctx context.Context, runtime wazero.Runtime, path string) (*Model, error) {
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	module, err := runtime.InstantiateWithConfig(ctx, code, config)
	if err != nil {
		return nil, err
	}
	m := &Model{module: module}
	address, err := m.call(ctx, "nncc_signature")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(m.text(address)), m); err != nil {
		return nil, fmt.Errorf("%s: the signature has open sizes or is damaged: %w", path, err)
	}
	for _, t := range append(append([]TensorType{}, m.Inputs...), m.Outputs...) {
		if t.Dtype != "f32" {
			return nil, fmt.Errorf("%s: '%s' is %s; this example knows f32", path, t.Name, t.Dtype)
		}
	}
	return m, nil
}

// Run gives the outputs by name. Inputs must have the sizes of the signature.
func (m *Model) Run(ctx context.Context, inputs map[string][]float32) (map[string][]float32, error) {
	types := append(append([]TensorType{}, m.Inputs...), m.Outputs...)
	args, err := m.call(ctx, "nncc_alloc", uint64(valueBytes*(len(types)+1)))
	if err != nil {
		return nil, err
	}
	defer m.call(ctx, "nncc_free", args)
	descriptors := make([]uint32, len(types))
	for i, t := range types {
		var data []float32
		if i < len(m.Inputs) {
			if data = inputs[t.Name]; len(data) != t.count() {
				return nil, fmt.Errorf("input '%s' has %d elements, not %d", t.Name, t.count(), len(data))
			}
		}
		block, err := m.tensor(ctx, t, data)
		if err != nil {
			return nil, err
		}
		defer m.call(ctx, "nncc_free", uint64(block))
		value := uint32(args) + uint32(valueBytes*i)
		m.memory().WriteUint64Le(value, tagTensor)
		m.memory().WriteUint64Le(value+8, uint64(block))
		descriptors[i] = block
	}
	count := uint64(len(types))
	status, err := m.call(ctx, "main", 0, args, count, args+valueBytes*count)
	if err != nil {
		return nil, err
	}
	if status != 0 {
		why, _ := m.call(ctx, "nncc_error")
		return nil, fmt.Errorf("the model failed: %s", m.text(why))
	}
	outputs := map[string][]float32{}
	for i, t := range m.Outputs {
		outputs[t.Name] = m.floats(descriptors[len(m.Inputs)+i], t.count())
	}
	return outputs, nil
}

// tensor makes one block of a descriptor, its shape and its data.
func (m *Model) tensor(ctx context.Context, t TensorType, data []float32) (uint32, error) {
	shapeBytes := 8 * len(t.Shape)
	address, err := m.call(ctx, "nncc_alloc", uint64(tensorBytes+shapeBytes+4*len(data)+16))
	if err != nil || address == 0 {
		return 0, fmt.Errorf("no memory for '%s': %v", t.Name, err)
	}
	at, memory := uint32(address), m.memory()
	dataAt := (at + tensorBytes + uint32(shapeBytes) + 15) &^ 15
	words := []uint32{dataAt, deviceCPU, 0, uint32(len(t.Shape)), float32Type, at + tensorBytes, 0, 0, 0, 0}
	for i, word := range words {
		memory.WriteUint32Le(at+uint32(4*i), word)
	}
	for i, size := range t.Shape {
		memory.WriteUint64Le(at+tensorBytes+uint32(8*i), size)
	}
	for i, value := range data {
		memory.WriteFloat32Le(dataAt+uint32(4*i), value)
	}
	return at, nil
}

func (m *Model) floats(descriptor uint32, count int) []float32 {
	address, _ := m.memory().ReadUint32Le(descriptor)
	offset, _ := m.memory().ReadUint64Le(descriptor + 32)
	values := make([]float32, count)
	for i := range values {
		values[i], _ = m.memory().ReadFloat32Le(address + uint32(offset) + uint32(4*i))
	}
	return values
}

func (m *Model) call(ctx context.Context, name string, args ...uint64) (uint64, error) {
	results, err := m.module.ExportedFunction(name).Call(ctx, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// memory is looked up anew: it may have grown.
func (m *Model) memory() api.Memory { return m.module.Memory() }

func (m *Model) text(address uint64) string {
	end := uint32(address)
	for {
		if c, ok := m.memory().ReadByte(end); !ok || c == 0 {
			break
		}
		end++
	}
	text, _ := m.memory().Read(uint32(address), end-uint32(address))
	return string(text)
}

func (t TensorType) count() int {
	count := 1
	for _, size := range t.Shape {
		count *= int(size)
	}
	return count
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . model.wasm")
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	model, err := Load(ctx, runtime, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	inputs := map[string][]float32{}
	for _, t := range model.Inputs {
		inputs[t.Name] = make([]float32, t.count())
		for i := range inputs[t.Name] {
			inputs[t.Name][i] = 1
		}
	}
	outputs, err := model.Run(ctx, inputs)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range model.Outputs {
		fmt.Print(t.Name)
		for _, value := range outputs[t.Name] {
			fmt.Printf(" %08x", math.Float32bits(value))
		}
		fmt.Println()
	}
}
