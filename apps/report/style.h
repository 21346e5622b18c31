/* What the style of base/report_style.h lacks for the table of images and their details. */
#ifndef FOVEA_APPS_REPORT_ROOM_STYLE_H
#define FOVEA_APPS_REPORT_ROOM_STYLE_H

/* For all. */
static const char table_style[] =
    "a{color:var(--blue)}h3{margin:1.4rem 0 .4rem;font-size:1.05rem;overflow-wrap:anywhere}\n"
    "h4{margin:.8rem 0 .2rem;font-size:.9rem}svg.picture{border-radius:.3rem}td.picture svg{width:7rem}\n"
    ".scroll{overflow-x:auto}table.plain{width:auto}\n"
    ".share{display:flex;height:1.5rem;max-width:46rem;border:1px solid var(--ink);font-size:.8rem;"
    "line-height:1.4rem;margin-top:.8rem;overflow:hidden}\n"
    ".share i{flex:none;overflow:hidden;font-style:normal;text-align:center;white-space:nowrap;"
    "border-right:1px solid var(--ink)}.share i:last-child{border:0}\n"
    ".s-outstanding{background:#0072b2;color:#fff}.s-gradable{background:#9ad0f0}\n"
    ".s-ungradable{background:repeating-linear-gradient(45deg,#fff,#fff 5px,#f3cf80 5px,#f3cf80 9px)}\n"
    ".s-failed{background:repeating-linear-gradient(90deg,#fff,#fff 4px,#e8b49c 4px,#e8b49c 6px)}\n"
    "form.controls{display:flex;flex-wrap:wrap;gap:.5rem .9rem;align-items:end;margin:.6rem 0}\n"
    "form.controls label{display:flex;flex-direction:column;font-size:.8rem;color:var(--soft)}\n"
    "form.controls input,form.controls select,form.controls button{font:inherit;font-size:.9rem;"
    "padding:.25rem .4rem;border:1px solid var(--soft);border-radius:.3rem;background:#fff;color:var(--ink);"
    "max-width:100%}#images th button{all:unset;cursor:pointer;color:inherit}\n"
    "#images th button:focus-visible{outline:2px solid var(--blue);outline-offset:2px}\n"
    "#images th button::after{content:' \\2195';opacity:.5}\n"
    "#images th[aria-sort=ascending] button::after{content:' \\25b2';opacity:1}\n"
    "#images th[aria-sort=descending] button::after{content:' \\25bc';opacity:1}\n"
    "#images tr:target,.image:target{background:#fdf8ee}\n"
    ".image{border-top:1px solid var(--line);margin-top:1.6rem;padding-top:.2rem}\n"
    ".pictures{display:flex;flex-wrap:wrap;gap:1rem}.pictures figure{margin:0;max-width:15rem}\n"
    ".pictures svg.picture{width:15rem;max-width:100%}figcaption{color:var(--soft);font-size:.85rem}\n"
    ".facts{flex:1 1 20rem;margin:0;align-content:start}\n"
    ".groups{columns:20rem;column-gap:2rem;font-size:.88rem}.groups>div{break-inside:avoid-column}\n"
    ".groups dl{grid-template-columns:1fr max-content;gap:0 .9rem}.groups h4{break-after:avoid}\n"
    ".groups .long{grid-column:1/3;text-align:right}.groups dd{text-align:right}\n"
    "nav{display:flex;flex-wrap:wrap;gap:.4rem 1rem;margin:.8rem 0}\n"
    "table.plain td,table.plain th{padding:.25rem .6rem}body{max-width:88rem}#images{font-size:.86rem}\n"
    "#images th,#images td{padding:.45rem .35rem}#images td.file{min-width:8rem;width:auto}\n"
    "#images td.warnings{min-width:9.5rem;font-size:.8rem}td.picture .none{width:7rem}\n"
    "#images .bar{width:6rem}[hidden],#images tr[hidden],form.controls[hidden]{display:none}\n"
    "form.controls label{max-width:100%}\n";

/* For narrow windows: rows are blocks. */
static const char narrow_style[] =
    "@media(max-width:46rem){#images,#images tbody{display:block}.scroll>svg{max-width:none;min-width:36rem}\n"
    "#images.light tr{grid-template-columns:1fr}#images.light td{grid-column:1}td.picture svg{width:100%}\n"
    "#images td{padding:.12rem 0}#images td.picture{grid-row:1/30}\n"
    "#images td.file,#images td.warnings{min-width:0}#images td:empty{display:none}\n"
    "table.plain thead{display:table-header-group}table.plain tr{display:table-row}\n"
    "table.plain td{padding:.3rem .5rem;border-bottom:1px solid var(--line)}\n"
    "table.plain td.number{text-align:right}}\n";

/* For paper: an image a page. */
static const char paper_style[] =
    "@media print{form.controls,nav{display:none}.image{break-before:page;border:0}\n"
    "#images th button::after{content:''}.scroll{overflow:visible}a{color:inherit;text-decoration:none}\n"
    "h2+.image,.image.bare{break-before:auto}#images{font-size:7.5pt}\n"
    "#images td.file,#images td.warnings{min-width:4rem}#images td.warnings{font-size:7pt}\n"
    "#images th,#images td{padding:.2rem}td.picture svg,td.picture .none{width:4.5rem}\n"
    "#images .bar{width:4rem}#images td.picture{width:5rem}svg{max-width:100%}\n"
    "#images .chances{font-size:6.5pt}h2,h3{break-after:avoid}#details{break-before:page}\n"
    ".groups{columns:3;column-gap:1.2rem;font-size:7pt;line-height:1.35}.pictures svg.picture{width:11rem}\n"
    ".pictures figure{max-width:11rem}.facts{font-size:8.5pt}}\n";

#endif
