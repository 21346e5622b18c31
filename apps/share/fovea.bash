# bash completion for fovea(1)

_fovea() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} options=
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'run grade segment measure report merge eval adapt cohort models phantom convert inspect infer bench doctor --help --version' -- "$word")
        return
    fi
    case $before in
    --layer)
        mapfile -t COMPREPLY < <(compgen -W 'superficial deep' -- "$word")
        return
        ;;
    --match)
        mapfile -t COMPREPLY < <(compgen -W 'path stem base' -- "$word")
        return
        ;;
    --empty)
        mapfile -t COMPREPLY < <(compgen -W 'undefined one' -- "$word")
        return
        ;;
    --per)
        mapfile -t COMPREPLY < <(compgen -W 'subject eye' -- "$word")
        return
        ;;
    --tta)
        mapfile -t COMPREPLY < <(compgen -W 'mirror off' -- "$word")
        return
        ;;
    --weights)
        mapfile -t COMPREPLY < <(compgen -W 'f32 f16' -- "$word")
        return
        ;;
    --to)
        mapfile -t COMPREPLY < <(compgen -W 'gguf safetensors' -- "$word")
        return
        ;;
    --preset)
        mapfile -t COMPREPLY < <(compgen -W 'coips-3x3 coips-6x6' -- "$word")
        return
        ;;
    --task)
        mapfile -t COMPREPLY < <(compgen -W 'quality segmentation' -- "$word")
        return
        ;;
    --variant)
        mapfile -t COMPREPLY < <(compgen -W 'tf plain' -- "$word")
        return
        ;;
    --transform-input)
        mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$word")
        return
        ;;
    --degrade)
        mapfile -t COMPREPLY < <(compgen -W 'none mild severe mixed' -- "$word")
        return
        ;;
    --resize)
        mapfile -t COMPREPLY < <(compgen -W 'bilinear bicubic none' -- "$word")
        return
        ;;
    --fov)
        mapfile -t COMPREPLY < <(compgen -W '3 6' -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        case $command in
        run) options='--fov --layer --scans --reference-axial-length --output --models --list --tta --folds --exact --tune --save-probability --require-grade --coips --overwrite --project-name --continue --dry-run --json-lines --shard --threads --config --print-config --help' ;;
        grade) options='--fov --layer --scans --output --models --list --exact --tune --continue --overwrite --dry-run --json-lines --shard --threads --config --print-config --help' ;;
        segment) options='--fov --layer --scans --reference-axial-length --output --models --list --tta --folds --exact --tune --save-probability --continue --overwrite --dry-run --json-lines --shard --threads --config --print-config --help' ;;
        measure) options='--fov --scans --reference-axial-length --output --images --list --continue --overwrite --dry-run --json-lines --shard --config --print-config --help' ;;
        report) options='--redcap --config --print-config --help' ;;
        merge) options='--output --config --print-config --help' ;;
        eval) options='--output --set --match --strict --images --worst --fov --foreground --empty --probability --threads --config --print-config --help' ;;
        adapt) options='--output --images --report --name --copies --folds --epochs --seed --rate --weight-decay --force --threads --config --print-config --help' ;;
        cohort) options='--output --measure --covariate --group --groups --per --visit --repeat --layer --match --strict --config --print-config --help' ;;
        models) options='--config --print-config --help' ;;
        phantom) options='--count --seed --output --size --fov --layer --degrade --config --print-config --help' ;;
        convert) options='--output --to --fold --preset --weights --image-size --variant --transform-input --task --classes --resize --mean --std --zscore --fov --layer --name --licence --attribution --strict --note --config --print-config --help' ;;
        inspect) options='--tensors --plan --size --exact --tune --image-size --variant --transform-input --config --print-config --help' ;;
        infer) options='--output --trace --fold --threads --exact --config --print-config --help' ;;
        doctor) options='--models --output --config --print-config --help' ;;
        bench) options='--threads --size --repeat --seconds --input --json --profile --exact --tune --config --print-config --help' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

complete -F _fovea fovea
