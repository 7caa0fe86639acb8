# cmake -DTABLE=Objects -DOUTPUT=FILE -DOBJECTS=A,B,... -P EmbedObjects.cmake:
# a C++ file with the bytes of the objects as embeddedObjects.
string(REPLACE "," ";" objects "${OBJECTS}")
set(arrays "")
set(rows "")
foreach(object ${objects})
  get_filename_component(name ${object} NAME_WE)
  file(READ ${object} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char object${name}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", object${name}, sizeof object${name}},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"runtime/core/Embedded.h\"\n${arrays}
const nncc::EmbeddedObject nncc::embedded${TABLE}[] = {\n${rows}};
const size_t nncc::numEmbedded${TABLE} =
    sizeof embedded${TABLE} / sizeof *embedded${TABLE};\n")
