// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// docs/module-format.md has the layout.
const (
	valueBytes      = 16
	descriptorBytes = 40 // DLTensor
	tagTensor       = 5
	deviceCPU       = 1
	float32Type     = 2 | 32<<8 | 1<<16 // DLPack's code, bits and lanes
)

// Dim is a size: a number or, where the caller chooses, a name.
type Dim struct {
	Size int // -1 for a name
	Name string
}

// TensorType is an input or output.
type TensorType struct {
	Name  string
	Dtype string
	Shape []Dim
}

// Tensor is dense and row-major.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Model is a loaded module. It serves one call at a time.
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
		return nil, fmt.Errorf("%s: the signature is damaged: %w", path, err)
	}
	for _, t := range append(append([]TensorType{}, m.Inputs...), m.Outputs...) {
		if t.Dtype != "f32" {
			return nil, fmt.Errorf("%s: '%s' is %s; this example knows f32", path, t.Name, t.Dtype)
		}
	}
	return m, nil
}

// Run gives the outputs by name.
func (m *Model) Run(ctx context.Context, inputs map[string]Tensor) (map[string]Tensor, error) {
	arguments := make([]Tensor, 0, len(m.Inputs)+len(m.Outputs))
	for _, t := range m.Inputs {
		input, found := inputs[t.Name]
		if !found || !t.fits(input) {
			return nil, fmt.Errorf("input '%s' is %v, not %v with %d elements", t.Name, t.Shape, input.Shape, len(input.Data))
		}
		arguments = append(arguments, input)
	}
	for _, t := range m.Outputs {
		arguments = append(arguments, Tensor{Shape: make([]int, len(t.Shape))})
	}
	block, err := m.write(ctx, arguments)
	if err != nil {
		return nil, err
	}
	defer m.call(ctx, "nncc_free", uint64(block))
	status, err := m.call(ctx, "main", 0, uint64(block), uint64(len(arguments)), 0)
	if err != nil {
		return nil, err
	}
	if status != 0 {
		why, _ := m.call(ctx, "nncc_error")
		return nil, fmt.Errorf("the model failed: %s", m.text(why))
	}
	outputs := map[string]Tensor{}
	descriptor := block + uint32(valueBytes*len(arguments)+descriptorBytes*len(m.Inputs))
	for i, t := range m.Outputs {
		outputs[t.Name] = m.read(descriptor + uint32(descriptorBytes*i))
	}
	return outputs, nil
}

// write makes one block of values, descriptors, shapes and elements.
func (m *Model) write(ctx context.Context, tensors []Tensor) (uint32, error) {
	dims := uint32((valueBytes + descriptorBytes) * len(tensors))
	data := dims
	for _, t := range tensors {
		data += uint32(8 * len(t.Shape))
	}
	data = align(data)
	total := data
	for _, t := range tensors {
		total += align(uint32(4 * len(t.Data)))
	}
	address, err := m.call(ctx, "nncc_alloc", uint64(total))
	if err != nil || address == 0 {
		return 0, fmt.Errorf("the module has no room for the inputs: %w", err)
	}
	block, memory := uint32(address), m.module.Memory()
	for i, t := range tensors {
		descriptor := block + uint32(valueBytes*len(tensors)+descriptorBytes*i)
		memory.WriteUint64Le(block+uint32(valueBytes*i), tagTensor)
		memory.WriteUint64Le(block+uint32(valueBytes*i)+8, uint64(descriptor))
		words := []uint32{block + data, deviceCPU, 0, uint32(len(t.Shape)), float32Type, block + dims, 0, 0, 0, 0}
		for k, word := range words {
			memory.WriteUint32Le(descriptor+uint32(4*k), word)
		}
		for _, size := range t.Shape {
			memory.WriteUint64Le(block+dims, uint64(size))
			dims += 8
		}
		for k, value := range t.Data {
			memory.WriteFloat32Le(block+data+uint32(4*k), value)
		}
		data += align(uint32(4 * len(t.Data)))
	}
	return block, nil
}

// read copies what a descriptor describes.
func (m *Model) read(descriptor uint32) Tensor {
	word := func(at uint32) uint32 {
		value, _ := m.module.Memory().ReadUint32Le(at)
		return value
	}
	t := Tensor{Shape: make([]int, word(descriptor+12))}
	for k := range t.Shape {
		t.Shape[k] = int(word(word(descriptor+20) + uint32(8*k)))
	}
	t.Data = make([]float32, count(t.Shape))
	data := word(descriptor) + word(descriptor+32)
	for k := range t.Data {
		t.Data[k], _ = m.module.Memory().ReadFloat32Le(data + uint32(4*k))
	}
	return t
}

func (m *Model) call(ctx context.Context, name string, args ...uint64) (uint64, error) {
	results, err := m.module.ExportedFunction(name).Call(ctx, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

func (m *Model) text(address uint64) string {
	memory, end := m.module.Memory(), uint32(address)
	for {
		if c, ok := memory.ReadByte(end); !ok || c == 0 {
			break
		}
		end++
	}
	text, _ := memory.Read(uint32(address), end-uint32(address))
	return string(text)
}

func (t TensorType) fits(tensor Tensor) bool {
	if len(tensor.Shape) != len(t.Shape) || count(tensor.Shape) != len(tensor.Data) {
		return false
	}
	for i, size := range tensor.Shape {
		if want := t.Shape[i].Size; want >= 0 && want != size {
			return false
		}
	}
	return true
}

// UnmarshalJSON takes a number or a name.
func (d *Dim) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &d.Size) == nil {
		return nil
	}
	d.Size = -1
	return json.Unmarshal(text, &d.Name)
}

func (d Dim) String() string {
	if d.Size < 0 {
		return d.Name
	}
	return fmt.Sprint(d.Size)
}

func count(shape []int) int {
	product := 1
	for _, size := range shape {
		product *= size
	}
	return product
}

func align(bytes uint32) uint32 { return (bytes + 63) &^ 63 }
