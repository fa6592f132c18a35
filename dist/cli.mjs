process.stderr.write(`not yet
`);export{};