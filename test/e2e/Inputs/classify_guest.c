// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A guest as image classifiers of other hosts are: it takes its model and its
// picture from files in a folder that it was given, and its numbers lie where
// they happen to lie.
//
//     classify_guest by-name | onnx | autodetect | openvino

#include <nn.h>

#include <stdio.h>

enum { side = 8, pixels = 3 * side * side, classes = 10, shown = 5 };
enum { openvino = 0, onnx = 1, autodetect = 5, tooLarge = 7 };

// None of the out-pointers is aligned, which is what is tried here.
#pragma clang diagnostic ignored "-Waddress-of-packed-member"
static struct __attribute__((packed)) {
  char odd;
  uint32_t graph, context, written;
  float scores[1001];
} packed;

static char files[2][1 << 20];

static uint32_t readFile(const char *path, void *to, uint32_t room) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  uint32_t length = fread(to, 1, room, file);
  fclose(file);
  return length;
}

static int loadFiles(uint32_t encoding, const char *first, const char *second) {
  const char *names[] = {first, second};
  struct NNPart parts[2];
  uint32_t count = 0;
  for (; count < 2 && names[count]; ++count)
    parts[count] = (struct NNPart){
        files[count], readFile(names[count], files[count], sizeof files[0])};
  return nnLoad(parts, count, encoding, 0, &packed.graph);
}

static int loadModel(const char *how) {
  if (!strcmp(how, "by-name"))
    return nnLoadByName("mobilenet", 9, &packed.graph);
  if (!strcmp(how, "openvino"))
    return loadFiles(openvino, "fixture/model.xml", "fixture/model.bin");
  return loadFiles(strcmp(how, "onnx") ? autodetect : onnx,
                   "fixture/model.onnx", NULL);
}

static int classify(void) {
  static struct __attribute__((packed)) {
    char odd;
    float values[pixels];
  } picture;
  static const uint32_t dims[] = {1, 3, side, side};
  readFile("fixture/tensor.bgr", (char *)&picture + 1, 4 * pixels);
  struct NNTensor input = {dims, 4, NN_F32, (char *)&picture + 1, 4 * pixels};
  int error = nnInitContext(packed.graph, &packed.context);
  if (!error)
    error = nnSetInput(packed.context, 0, &input);
  if (!error)
    error = nnCompute(packed.context);
  if (error)
    return error;
  if (nnGetOutput(packed.context, 0, packed.scores, 4, &packed.written) !=
      tooLarge)
    return -1;
  return nnGetOutput(packed.context, 0, packed.scores, sizeof packed.scores,
                     &packed.written);
}

static void printBest(void) {
  for (int rank = 0; rank < shown; ++rank) {
    int best = 0;
    for (int i = 1; i < classes; ++i)
      if (packed.scores[i] > packed.scores[best])
        best = i;
    printf("%d %.4f\n", best, packed.scores[best]);
    packed.scores[best] = -1;
  }
}

int main(int argc, char **argv) {
  int error = loadModel(argc > 1 ? argv[1] : "by-name");
  if (!error)
    error = classify();
  if (error || packed.written != 4 * classes)
    return printf("errno %d, %u bytes\n", error, packed.written), 1;
  printBest();
  return 0;
}
