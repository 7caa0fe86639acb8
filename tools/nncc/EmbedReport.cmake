# cmake -DOUTPUT=FILE -DFOLDER=DIR -DSCRIPTS=A,B,... -P EmbedReport.cmake: a C++
# file with the page, its style and its scripts as one. The scripts are modules
# in the order of their imports, which are left out.
string(REPLACE "," ";" scripts "${SCRIPTS}")
set(text "#include \"tools/nncc/ReportAssets.h\"\n")

# A byte array, since a string literal has a limited length.
function(add_asset name hex)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  set(text "${text}static const char ${name}Bytes[] = {${bytes}};
const llvm::StringRef nncc::${name}(${name}Bytes, ${size});\n" PARENT_SCOPE)
endfunction()

file(READ ${FOLDER}/page.html hex HEX)
add_asset(reportPage "${hex}")
file(READ ${FOLDER}/style.css hex HEX)
add_asset(reportStyle "${hex}")

set(all "")
foreach(script ${scripts})
  # In hex, where no character means anything to CMake: lines "import ..." go,
  # and so does "export " at the start of a line.
  file(READ ${FOLDER}/${script} hex HEX)
  set(line "0a")
  string(REGEX REPLACE "(..)" "\\1 " hex "0a${hex}")
  string(REGEX REPLACE "0a 69 6d 70 6f 72 74 20 ([1-9a-f][0-9a-f] |0[0-9b-f] )*" "" hex "${hex}")
  string(REPLACE "0a 65 78 70 6f 72 74 20 " "0a " hex "${hex}")
  string(REPLACE " " "" hex "${hex}")
  string(APPEND all "${hex}")
endforeach()
add_asset(reportScript "${all}")
file(WRITE ${OUTPUT} "${text}")
