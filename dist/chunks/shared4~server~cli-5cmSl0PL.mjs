import{n as e}from"./rolldown-runtime-QyZNg2Ly.mjs";var t;function n(){return(n=e((()=>{Array(20).fill(0).map((e,t)=>` `.repeat(t)),t=200,Array(t).fill(0).map((e,t)=>`
`+` `.repeat(t)),Array(t).fill(0).map((e,t)=>`\r`+` `.repeat(t)),Array(t).fill(0).map((e,t)=>`\r
`+` `.repeat(t)),Array(t).fill(0).map((e,t)=>`
`+`	`.repeat(t)),Array(t).fill(0).map((e,t)=>`\r`+`	`.repeat(t)),Array(t).fill(0).map((e,t)=>`\r
`+`	`.repeat(t))})))()}export{n as t};